package sim

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The subresource for the status of a kind that is compiled in changes metadata too, but for a
// few fields of some kinds. That of others changes nothing else.
var (
	keptOfMetadata = map[string][]string{
		"deployments.apps": {"labels"},
		"pods":             {"deletionTimestamp", "ownerReferences"},
	}
	wholeMetadata = []string{"deletionTimestamp", "labels", "annotations", "finalizers", "ownerReferences"}
	keepMetadata  = sets.New(
		"podcertificaterequests.certificates.k8s.io", "servicecidrs.networking.k8s.io", "resourceclaims.resource.k8s.io",
		"devicetaintrules.resource.k8s.io", "volumeattachments.storage.k8s.io", "storageversions.internal.apiserver.k8s.io",
		"flowschemas.flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
		"validatingadmissionpolicies.admissionregistration.k8s.io",
	)
)

// keptByStatus are the fields of metadata that the subresource of a compiled-in kind does not
// change.
func (r *resource) keptByStatus() []string {
	name := r.gr().String()
	if keepMetadata.Has(name) {
		return wholeMetadata
	}
	return keptOfMetadata[name]
}

func (r *resource) keepByStatus(next, current *unstructured.Unstructured) {
	is := maps.Clone(child(next.Object, "metadata"))
	next.Object["metadata"] = is
	was := child(current.Object, "metadata")
	for _, name := range r.keptByStatus() {
		if value, has := was[name]; has {
			is[name] = value
		} else {
			delete(is, name)
		}
	}
}

// validateServiceStatus: only what balances load has an address for it.
func validateServiceStatus(object map[string]any) (errs field.ErrorList) {
	path := field.NewPath("status", "loadBalancer", "ingress")
	ingress := children(child(child(object, "status"), "loadBalancer"), "ingress")
	if len(ingress) > 0 && child(object, "spec")["type"] != "LoadBalancer" {
		errs = append(errs, field.Forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"))
	}
	return errs
}

// validateDeploymentStatus: of some replicas there are not more than of all.
func validateDeploymentStatus(object map[string]any) (errs field.ErrorList) {
	status, path := child(object, "status"), field.NewPath("status")
	number := func(name string) int64 {
		n, _ := status[name].(int64)
		return n
	}
	names := []string{"observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "terminatingReplicas", "collisionCount"}
	for _, name := range names {
		if n := number(name); n < 0 {
			errs = append(errs, field.Invalid(path.Child(name), n, "must be greater than or equal to 0"))
		}
	}
	for _, name := range []string{"updatedReplicas", "readyReplicas", "availableReplicas"} {
		if n := number(name); n > number("replicas") {
			errs = append(errs, field.Invalid(path.Child(name), n, "cannot be greater than status.replicas"))
		}
	}
	if n := number("availableReplicas"); n > number("readyReplicas") {
		errs = append(errs, field.Invalid(path.Child("availableReplicas"), n, "cannot be greater than readyReplicas"))
	}
	return errs
}
