package sim

import (
	"reflect"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes/scheme"
)

// What kube-apiserver's registry says of the kinds that are compiled into it, as far as
// their Go types do not: by resource and group.
var (
	clusterScoped = sets.New(
		"namespaces", "nodes", "persistentvolumes", "componentstatuses",
		"customresourcedefinitions.apiextensions.k8s.io",
		"clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
		"storageclasses.storage.k8s.io", "volumeattachments.storage.k8s.io", "csidrivers.storage.k8s.io",
		"csinodes.storage.k8s.io", "volumeattributesclasses.storage.k8s.io",
		"ingressclasses.networking.k8s.io", "ipaddresses.networking.k8s.io", "servicecidrs.networking.k8s.io",
		"priorityclasses.scheduling.k8s.io", "runtimeclasses.node.k8s.io",
		"mutatingwebhookconfigurations.admissionregistration.k8s.io",
		"validatingwebhookconfigurations.admissionregistration.k8s.io",
		"validatingadmissionpolicies.admissionregistration.k8s.io",
		"validatingadmissionpolicybindings.admissionregistration.k8s.io",
		"mutatingadmissionpolicies.admissionregistration.k8s.io",
		"mutatingadmissionpolicybindings.admissionregistration.k8s.io",
		"certificatesigningrequests.certificates.k8s.io", "clustertrustbundles.certificates.k8s.io",
		"flowschemas.flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
		"deviceclasses.resource.k8s.io", "resourceslices.resource.k8s.io", "devicetaintrules.resource.k8s.io",
		"storageversions.internal.apiserver.k8s.io",
	)
	// withGeneration are the kinds whose generation counts; others have none at all.
	withGeneration = sets.New(
		"pods", "replicationcontrollers", "deployments.apps", "daemonsets.apps", "statefulsets.apps", "replicasets.apps",
		"jobs.batch", "cronjobs.batch", "ingresses.networking.k8s.io", "ingressclasses.networking.k8s.io",
		"networkpolicies.networking.k8s.io", "poddisruptionbudgets.policy", "customresourcedefinitions.apiextensions.k8s.io",
		"endpointslices.discovery.k8s.io", "priorityclasses.scheduling.k8s.io",
		"mutatingwebhookconfigurations.admissionregistration.k8s.io",
		"validatingwebhookconfigurations.admissionregistration.k8s.io",
		"flowschemas.flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
		"resourceslices.resource.k8s.io", "validatingadmissionpolicies.admissionregistration.k8s.io",
		"validatingadmissionpolicybindings.admissionregistration.k8s.io",
	)
	// createdByUpdate are the kinds that a PUT creates.
	createdByUpdate = sets.New(
		"events", "events.events.k8s.io", "leases.coordination.k8s.io", "endpoints", "limitranges",
		"services", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
		"clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
		"runtimeclasses.node.k8s.io",
	)
	// conditionalUpdate are the kinds that a PUT without a resourceVersion does not change.
	conditionalUpdate = sets.New(
		"leases.coordination.k8s.io", "customresourcedefinitions.apiextensions.k8s.io",
		"mutatingwebhookconfigurations.admissionregistration.k8s.io",
		"validatingwebhookconfigurations.admissionregistration.k8s.io",
	)
	// withoutStatus have a status in their type, and no subresource for it.
	withoutStatus = sets.New("componentstatuses", "events", "events.events.k8s.io")
	// notStored are types of the scheme that are requests or answers.
	notStored = sets.New("bindings", "podstatusresults", "rangeallocations", "serializedreferences", "scales.autoscaling", "scales.apps", "scales.extensions",
		"evictions.policy", "tokenrequests.authentication.k8s.io", "tokenreviews.authentication.k8s.io",
		"selfsubjectreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io",
		"selfsubjectaccessreviews.authorization.k8s.io", "selfsubjectrulesreviews.authorization.k8s.io",
		"localsubjectaccessreviews.authorization.k8s.io", "componentstatuses")
	// selectable are the paths that field selectors may name.
	selectable = map[string][]string{
		"pods": {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
			"status.phase", "status.podIP", "status.nominatedNodeName"},
		"secrets":                        {"type"},
		"namespaces":                     {"status.phase"},
		"nodes":                          {"spec.unschedulable"},
		"services":                       {"spec.clusterIP", "spec.type"},
		"replicationcontrollers":         {"status.replicas"},
		"replicasets.apps":               {"status.replicas"},
		"jobs.batch":                     {"status.successful"},
		"events":                         eventFields,
		"resourceslices.resource.k8s.io": {"spec.nodeName", "spec.driver"},
	}
	eventFields = []string{
		"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
		"involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
		"reason", "reportingComponent", "source", "type",
	}
	allVerbs    = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	customVerbs = []string{"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"}
	// returned are the kinds whose deletion is answered with the object, and not with a Status.
	returned = sets.New("pods", "podtemplates", "persistentvolumes", "persistentvolumeclaims", "resourcequotas", "services", "serviceaccounts")
)

// builtins are the resources of client-go's scheme, by resource and group, each in its most
// stable version.
var builtins = sync.OnceValue(func() map[string]*resource {
	found := map[string]*resource{}
	for _, gv := range scheme.Scheme.PrioritizedVersionsAllGroups() {
		for kind, goType := range scheme.Scheme.KnownTypes(gv) {
			spec, hasMeta := goType.FieldByName("ObjectMeta")
			if !ofKubernetes(goType) || !hasMeta || spec.Type != reflect.TypeFor[metav1.ObjectMeta]() {
				continue
			}
			r := builtin(gv.WithKind(kind), goType)
			name := r.gr().String()
			other := found[name]
			if !notStored.Has(name) && (other == nil || compareVersions(r.gvk.Version, other.gvk.Version) > 0) {
				found[name] = r
			}
		}
	}
	return found
})

// ofKubernetes reports whether a type is one of Kubernetes itself. The scheme is the property of
// the whole program, which may add kinds that CustomResourceDefinitions define, or those themselves.
func ofKubernetes(goType reflect.Type) bool {
	return strings.HasPrefix(goType.PkgPath(), "k8s.io/api/")
}

func builtin(gvk schema.GroupVersionKind, goType reflect.Type) *resource {
	plural, singular := meta.UnsafeGuessKindToResource(gvk)
	name := plural.GroupResource().String()
	_, hasStatus := goType.FieldByName("Status")
	r := &resource{
		gvk: gvk, plural: plural.Resource, singular: singular.Resource, shortNames: shortNames[name], categories: categories[name], listKind: gvk.Kind + "List",
		namespaced: !clusterScoped.Has(name),
		status:     hasStatus && !withoutStatus.Has(name),
		generation: withGeneration.Has(name),
		upsert:     createdByUpdate.Has(name),
		needsRV:    conditionalUpdate.Has(name),
		typed:      newTyped(gvk),
		fields:     selectors(name),
		verbs:      verbsOf(name),
		rules:      rulesOf[name],
	}
	r.managed = newManaged(r, typeConverter)
	return r
}

func verbsOf(name string) []string {
	if name == "namespaces" {
		return without(allVerbs, "deletecollection")
	}
	return allVerbs
}

// selectors returns the paths of the fields of a resource by how a selector names them.
func selectors(name string) map[string][]string {
	if name == eventsGroup.String() {
		return groupEventFields()
	}
	out := map[string][]string{}
	for _, path := range selectable[name] {
		out[path] = strings.Split(path, ".")
	}
	return out
}
