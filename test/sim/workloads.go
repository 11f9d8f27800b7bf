package sim

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validateWorkload: what a controller looks for is what it makes, and stays so.
func validateWorkload(object, old map[string]any) (errs field.ErrorList) {
	path := field.NewPath("spec")
	spec := child(object, "spec")
	if n, isSet := spec["replicas"].(int64); isSet && n < 0 {
		errs = append(errs, field.Invalid(path.Child("replicas"), n, "must be greater than or equal to 0"))
	}
	selector, err := labels.Nothing(), error(nil)
	if spec["selector"] == nil {
		errs = append(errs, field.Required(path.Child("selector"), ""))
	} else if selector, err = selectorOf(spec); err != nil || selector.Empty() {
		errs = append(errs, field.Invalid(path.Child("selector"), spec["selector"], "empty selector is invalid"))
	}
	made, _, _ := unstructured.NestedStringMap(spec, "template", "metadata", "labels")
	if err == nil && !selector.Empty() && !selector.Matches(labels.Set(made)) {
		errs = append(errs, field.Invalid(path.Child("template", "metadata", "labels"), made, "`selector` does not match template `labels`"))
	}
	template := child(child(spec, "template"), "spec")
	errs = append(errs, validatePodSpec(template, path.Child("template", "spec"))...)
	if policy, _ := template["restartPolicy"].(string); policy != "Always" {
		errs = append(errs, field.NotSupported(path.Child("template", "spec", "restartPolicy"), policy, []string{"Always"}))
	}
	if old != nil {
		errs = append(errs, fixed(path.Child("selector"), spec["selector"], child(old, "spec")["selector"])...)
	}
	return errs
}

func selectorOf(spec map[string]any) (labels.Selector, error) {
	wanted := &metav1.LabelSelector{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(child(spec, "selector"), wanted); err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(wanted)
}

// validateDeployment: how it changes its Pods, too.
func validateDeployment(object, old map[string]any) (errs field.ErrorList) {
	path := field.NewPath("spec")
	spec := child(object, "spec")
	strategy := child(spec, "strategy")
	switch kind, _ := strategy["type"].(string); {
	case kind == "Recreate" && strategy["rollingUpdate"] != nil:
		errs = append(errs, field.Forbidden(path.Child("strategy", "rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'"))
	case kind != "Recreate" && kind != "RollingUpdate":
		errs = append(errs, field.NotSupported(path.Child("strategy"), kind, []string{"Recreate", "RollingUpdate"}))
	}
	ready, _ := spec["minReadySeconds"].(int64)
	deadline, _ := spec["progressDeadlineSeconds"].(int64)
	for _, name := range []string{"minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"} {
		if n, _ := spec[name].(int64); n < 0 {
			errs = append(errs, field.Invalid(path.Child(name), n, "must be greater than or equal to 0"))
		}
	}
	if spec["progressDeadlineSeconds"] != nil && deadline <= ready {
		errs = append(errs, field.Invalid(path.Child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds"))
	}
	return append(errs, validateWorkload(object, old)...)
}

// countDeployment: the generation of a Deployment rises with its annotations too.
func countDeployment(next, current map[string]any) bool {
	return !equal(next["spec"], current["spec"]) ||
		!equal(child(next, "metadata")["annotations"], child(current, "metadata")["annotations"])
}

// bornNode: a new Node is not ready, which an admission plugin says.
func bornNode(o *unstructured.Unstructured) {
	preset(o.Object, map[string]any{"spec": map[string]any{}})
	spec := child(o.Object, "spec")
	taints, _ := spec["taints"].([]any)
	spec["taints"] = append(taints, map[string]any{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
}

func defaultJob(object map[string]any) {
	spec := child(object, "spec")
	if spec == nil {
		return
	}
	defaultTemplate(object)
	if spec["completions"] == nil && spec["parallelism"] == nil {
		spec["completions"] = int64(1)
	}
	preset(spec, map[string]any{
		"parallelism": int64(1), "backoffLimit": int64(6), "completionMode": "NonIndexed", "suspend": false,
		"podReplacementPolicy": "TerminatingOrFailed", "manualSelector": false,
	})
}

// bornJob makes the selector of a Job, and the labels of what it makes.
func bornJob(o *unstructured.Unstructured) {
	spec := child(o.Object, "spec")
	if spec == nil || spec["manualSelector"] == true {
		return
	}
	delete(spec, "manualSelector")
	made := map[string]any{
		"batch.kubernetes.io/controller-uid": string(o.GetUID()), "controller-uid": string(o.GetUID()),
		"batch.kubernetes.io/job-name": o.GetName(), "job-name": o.GetName(),
	}
	for _, at := range []map[string]any{o.Object, child(spec, "template")} {
		preset(at, map[string]any{"metadata": map[string]any{}})
		metadata := child(at, "metadata")
		preset(metadata, map[string]any{"labels": map[string]any{}})
		preset(child(metadata, "labels"), made)
	}
	spec["selector"] = map[string]any{"matchLabels": map[string]any{"batch.kubernetes.io/controller-uid": string(o.GetUID())}}
}

func validateJob(object, old map[string]any) (errs field.ErrorList) {
	path := field.NewPath("spec")
	spec := child(object, "spec")
	if child(child(spec, "template"), "spec")["restartPolicy"] == "Always" {
		errs = append(errs, field.Required(path.Child("template", "spec", "restartPolicy"), `valid values: "OnFailure", "Never"`))
	}
	if old == nil {
		return errs
	}
	for _, name := range []string{"template", "selector", "completionMode"} {
		errs = append(errs, fixed(path.Child(name), spec[name], child(old, "spec")[name])...)
	}
	return errs
}

// validatePod: of a Pod that exists little can be changed.
func validatePod(object, old map[string]any) field.ErrorList {
	if old == nil || equal(fixedPod(object), fixedPod(old)) {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("spec"), "pod updates may not change fields other than `spec.containers[*].image`,"+
		"`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"+
		"`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)")}
}

// fixedPod is what cannot be changed of a Pod's spec.
func fixedPod(object map[string]any) any {
	spec := runtime.DeepCopyJSON(child(object, "spec"))
	for _, name := range []string{"activeDeadlineSeconds", "tolerations", "schedulingGates"} {
		delete(spec, name)
	}
	for _, c := range append(children(spec, "containers"), children(spec, "initContainers")...) {
		delete(c, "image")
	}
	return spec
}
