package sim

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/version"
)

// changeDefinition refuses changes of what objects are stored by, and remembers each version in which some
// may be stored: it must stay until a migration takes it out of the status.
func changeDefinition(next, current map[string]any, _ bool) (errs field.ErrorList) {
	paths := [][]string{{"group"}, {"names", "plural"}}
	if isEstablished(current) {
		paths = [][]string{{"scope"}, {"names", "kind"}, {"group"}, {"names", "plural"}}
	}
	for _, path := range paths {
		was, _, _ := unstructured.NestedString(current, append([]string{"spec"}, path...)...)
		is, _, _ := unstructured.NestedString(next, append([]string{"spec"}, path...)...)
		errs = append(errs, fixed(field.NewPath("spec", path...), is, was)...)
	}
	versions := children(child(next, "spec"), "versions")
	if len(versions) == 0 {
		return errs // which is told later
	}
	stored, _, _ := unstructured.NestedStringSlice(next, "status", "storedVersions")
	var names []string
	for _, v := range versions {
		name, _ := v["name"].(string)
		if names = append(names, name); v["storage"] == true && !slices.Contains(stored, name) {
			stored = append(stored, name)
			_ = unstructured.SetNestedStringSlice(next, stored, "status", "storedVersions") // it is a map
		}
	}
	for i, old := range stored {
		if !slices.Contains(names, old) {
			errs = append(errs, field.Invalid(field.NewPath("status", "storedVersions").Index(i), old, "missing from spec.versions; "+old+
				" was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in "+
				old+" and removes "+old+" from status.storedVersions"))
		}
	}
	return errs
}

func isEstablished(definition map[string]any) bool {
	return slices.ContainsFunc(children(child(definition, "status"), "conditions"), func(c map[string]any) bool {
		return c["type"] == "Established" && c["status"] == "True"
	})
}

// deprecated is the server's own warning about a version: it names the newest one that is not deprecated.
func (d *crd) deprecated(old string) string {
	newest := old
	for _, v := range d.Spec.Versions {
		if v.Served && !v.Deprecated && version.CompareKubeAwareVersionStrings(newest, v.Name) < 0 {
			newest = v.Name
		}
	}
	text := fmt.Sprintf("%s/%s %s is deprecated", d.Spec.Group, old, d.Spec.Names.Kind)
	if newest != old {
		text += fmt.Sprintf("; use %s/%s %s", d.Spec.Group, newest, d.Spec.Names.Kind)
	}
	return text
}
