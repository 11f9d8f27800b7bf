package sim

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validatePodSpec is a part of the rules for Pods: there are containers, with names and images.
func validatePodSpec(spec map[string]any, path *field.Path) (errs field.ErrorList) {
	containers := children(spec, "containers")
	if len(containers) == 0 {
		errs = append(errs, field.Required(path.Child("containers"), ""))
	}
	var names []string
	for i, c := range containers {
		at := path.Child("containers").Index(i)
		name, _ := c["name"].(string)
		switch wrong := validation.IsDNS1123Label(name); {
		case name == "":
			errs = append(errs, field.Required(at.Child("name"), ""))
		case len(wrong) > 0:
			errs = append(errs, field.Invalid(at.Child("name"), name, wrong[0]))
		case slices.Contains(names, name):
			errs = append(errs, field.Duplicate(at.Child("name"), name))
		}
		names = append(names, name)
		if image, _ := c["image"].(string); image == "" {
			errs = append(errs, field.Required(at.Child("image"), ""))
		}
		for j, variable := range children(c, "env") {
			if name, _ := variable["name"].(string); name == "" {
				errs = append(errs, field.Required(at.Child("env").Index(j).Child("name"), ""))
			}
		}
		errs = append(errs, validateContainerPorts(children(c, "ports"), at.Child("ports"))...)
	}
	return errs
}

func validateContainerPorts(ports []map[string]any, path *field.Path) (errs field.ErrorList) {
	var names []string
	for i, port := range ports {
		at := path.Index(i)
		if name, _ := port["name"].(string); name != "" {
			if slices.Contains(names, name) {
				errs = append(errs, field.Duplicate(at.Child("name"), name))
			}
			names = append(names, name)
		}
		if number, _ := port["containerPort"].(int64); number == 0 {
			errs = append(errs, field.Required(at.Child("containerPort"), ""))
		} else if wrong := validation.IsValidPortNum(int(number)); len(wrong) > 0 {
			errs = append(errs, field.Invalid(at.Child("containerPort"), number, wrong[0]))
		}
	}
	return errs
}
