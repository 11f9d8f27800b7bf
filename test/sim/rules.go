package sim

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// rules are what the server's program says of a kind that is compiled into it, beyond its Go
// type, where clients notice: a part of it, which the README lists.
type rules struct {
	defaults   func(object map[string]any)
	born       func(o *unstructured.Unstructured)                              // changes a new object
	allocate   func(o *unstructured.Unstructured, dryRun bool) field.ErrorList // gives a new object what no other one has
	change     func(next, current map[string]any, dryRun bool) field.ErrorList // completes an update, but not one of a subresource
	status     func(object map[string]any) field.ErrorList                     // validates the status, when the subresource changes it
	counts     func(next, current map[string]any) bool                         // instead of: the spec has changed
	validate   func(object, old map[string]any) (errs field.ErrorList)         // old is nil for a new object
	warnings   func(object map[string]any) []string                            // of a valid object, but not of its subresources
	orphans    bool                                                            // a deletion that says nothing else leaves the dependents
	settle     func(object map[string]any) (unsettled bool)                    // makes of what is stored what is read, see record
	shown      func(object map[string]any)                                     // changes what a client sees of what is stored
	deprecated string                                                          // the warning that each answer has
}

var rulesOf = map[string]rules{
	"configmaps":                 {validate: validateConfigMap, settle: emptyBytes("binaryData")},
	"secrets":                    {validate: validateSecret, defaults: defaultSecret, settle: emptyBytes("data")},
	"services":                   {defaults: defaultService, allocate: bornService, change: changeService, validate: validateService, status: validateServiceStatus, warnings: serviceWarnings, shown: showService},
	"namespaces":                 {born: bornNamespace, defaults: defaultNamespace},
	"leases.coordination.k8s.io": {validate: validateLease},
	"events":                     {validate: validateEvent},
	"events.events.k8s.io":       {validate: validateEvent},
	"pods":                       {defaults: func(o map[string]any) { defaultPod(child(o, "spec")) }, born: phase("Pending"), validate: validatePod},
	"persistentvolumeclaims":     {defaults: defaultClaim, born: phase("Pending")},
	"persistentvolumes":          {born: phase("Pending")},
	"deployments.apps":           {defaults: defaultDeployment, counts: countDeployment, validate: validateDeployment, status: validateDeploymentStatus},
	"replicasets.apps":           {defaults: defaultReplicas, validate: validateWorkload},
	"statefulsets.apps":          {defaults: defaultStatefulSet, validate: validateWorkload},
	"daemonsets.apps":            {defaults: defaultDaemonSet, validate: validateWorkload},
	"jobs.batch":                 {defaults: defaultJob, born: bornJob, validate: validateJob, orphans: true},
	"endpoints":                  {deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"},
	"nodes":                      {born: bornNode},
	"replicationcontrollers":     {orphans: true},
	"cronjobs.batch":             {defaults: defaultCronJob},

	"horizontalpodautoscalers.autoscaling": {defaults: defaultAutoscaler},

	"rolebindings.rbac.authorization.k8s.io":        {defaults: defaultBinding},
	"clusterrolebindings.rbac.authorization.k8s.io": {defaults: defaultBinding},
}

func phase(phase string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) { o.Object["status"] = map[string]any{"phase": phase} }
}

func bornNamespace(o *unstructured.Unstructured) {
	o.Object["spec"] = map[string]any{"finalizers": []any{"kubernetes"}}
	o.Object["status"] = map[string]any{"phase": "Active"}
	defaultNamespace(o.Object)
}

// maxData is how much a ConfigMap or a Secret holds.
const maxData = 1 << 20

func validateConfigMap(object, old map[string]any) (errs field.ErrorList) {
	data, binary := child(object, "data"), child(object, "binaryData")
	for key := range data {
		if wrong := validation.IsConfigMapKey(key); len(wrong) > 0 {
			errs = append(errs, field.Invalid(field.NewPath("data").Key(key), key, wrong[0]))
		}
		if _, twice := binary[key]; twice {
			errs = append(errs, field.Invalid(field.NewPath("data").Key(key), key, "duplicate of key present in binaryData"))
		}
	}
	if sizeOfData(object, "data", "binaryData") > maxData {
		errs = append(errs, field.TooLong(field.NewPath(""), "", maxData))
	}
	return append(errs, immutable(object, old, "data", "binaryData")...)
}

func validateSecret(object, old map[string]any) (errs field.ErrorList) {
	for key := range child(object, "data") {
		if wrong := validation.IsConfigMapKey(key); len(wrong) > 0 {
			errs = append(errs, field.Invalid(field.NewPath("data").Key(key), key, wrong[0]))
		}
	}
	if object["type"] == "kubernetes.io/tls" {
		for _, key := range []string{"tls.crt", "tls.key"} {
			if _, found := child(object, "data")[key]; !found {
				errs = append(errs, field.Required(field.NewPath("data").Key(key), ""))
			}
		}
	}
	if sizeOfData(object, "data") > maxData*4/3 { // it is in base64 here
		errs = append(errs, field.TooLong(field.NewPath("data"), "", maxData))
	}
	if old != nil {
		errs = append(errs, fixed(field.NewPath("type"), object["type"], old["type"])...)
	}
	return append(errs, immutable(object, old, "data")...)
}

func validateLease(object, _ map[string]any) (errs field.ErrorList) {
	if n, isSet := child(object, "spec")["leaseDurationSeconds"].(int64); isSet && n <= 0 {
		errs = append(errs, field.Invalid(field.NewPath("spec", "leaseDurationSeconds"), n, "must be greater than 0"))
	}
	return errs
}

func sizeOfData(object map[string]any, names ...string) (size int) {
	for _, name := range names {
		for _, value := range child(object, name) {
			text, _ := value.(string)
			size += len(text)
		}
	}
	return size
}

// fixed refuses a change of a field that never changes.
func fixed(path *field.Path, is, was any) field.ErrorList {
	if equal(is, was) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, is, "field is immutable")}
}

// immutable refuses changes of an object that says that it does not change.
func immutable(object, old map[string]any, names ...string) (errs field.ErrorList) {
	if old == nil || old["immutable"] != true {
		return nil
	}
	for _, name := range append([]string{"immutable"}, names...) {
		if !equal(object[name], old[name]) {
			errs = append(errs, field.Forbidden(field.NewPath(name), "field is immutable when `immutable` is set"))
		}
	}
	return errs
}
