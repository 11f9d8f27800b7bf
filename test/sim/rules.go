package sim

import (
	"fmt"
	"hash/fnv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// rules are what the server's program says of a kind that is compiled into it, beyond its Go
// type, where clients notice: a part of it, which the README lists.
type rules struct {
	defaults   func(object map[string]any)
	born       func(o *unstructured.Unstructured)                      // changes a new object
	counts     func(next, current map[string]any) bool                 // instead of: the spec has changed
	validate   func(object, old map[string]any) (errs field.ErrorList) // old is nil for a new object
	orphans    bool                                                    // a deletion that says nothing else leaves the dependents
	deprecated string                                                  // the warning that each answer has
}

var rulesOf = map[string]rules{
	"configmaps":                 {validate: validateConfigMap},
	"secrets":                    {validate: validateSecret, defaults: defaultSecret},
	"services":                   {defaults: defaultService, born: bornService, validate: validateService},
	"namespaces":                 {born: bornNamespace, defaults: defaultNamespace},
	"leases.coordination.k8s.io": {validate: validateLease},
	"pods":                       {defaults: func(o map[string]any) { defaultPod(child(o, "spec")) }, born: phase("Pending"), validate: validatePod},
	"persistentvolumeclaims":     {defaults: defaultClaim, born: phase("Pending")},
	"persistentvolumes":          {born: phase("Pending")},
	"deployments.apps":           {defaults: defaultDeployment, counts: countDeployment, validate: validateWorkload},
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
	if old != nil && object["type"] != old["type"] {
		errs = append(errs, field.Invalid(field.NewPath("type"), object["type"], "field is immutable"))
	}
	return append(errs, immutable(object, old, "data")...)
}

func validateLease(object, _ map[string]any) (errs field.ErrorList) {
	if n, isSet := child(object, "spec")["leaseDurationSeconds"].(int64); isSet && n <= 0 {
		errs = append(errs, field.Invalid(field.NewPath("spec", "leaseDurationSeconds"), n, "must be greater than 0"))
	}
	return errs
}

// bornService gives a Service an address, which no other one is likely to have.
func bornService(o *unstructured.Unstructured) {
	spec := child(o.Object, "spec")
	if spec["type"] == "ExternalName" || spec["clusterIP"] != nil || spec == nil {
		return
	}
	hash := fnv.New32()
	_, _ = hash.Write([]byte(o.GetUID())) // it never fails
	ip := fmt.Sprintf("10.96.%d.%d", hash.Sum32()>>8&255, hash.Sum32()&255)
	spec["clusterIP"], spec["clusterIPs"] = ip, []any{ip}
}

func validateService(object, _ map[string]any) (errs field.ErrorList) {
	spec := child(object, "spec")
	if len(children(spec, "ports")) == 0 && spec["clusterIP"] != "None" && spec["type"] != "ExternalName" {
		errs = append(errs, field.Required(field.NewPath("spec", "ports"), ""))
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
