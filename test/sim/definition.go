package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	crdschema "github.com/kuberator/kuberator/test/sim/internal/schema"
	"github.com/kuberator/kuberator/test/sim/internal/tables"
)

// crd is a CustomResourceDefinition of apiextensions.k8s.io/v1, as far as it is understood.
type crd struct {
	Metadata struct {
		Name        string
		Annotations map[string]string
	}
	Spec struct {
		PreserveUnknownFields bool `json:"preserveUnknownFields"`

		Group string
		Scope string
		Names struct {
			Plural, Singular, Kind, ListKind string
			ShortNames, Categories           []string
		}
		Versions []struct {
			Name       string
			Served     bool
			Storage    bool
			Deprecated bool
			// DeprecationWarning takes the place of the server's own words.
			DeprecationWarning string
			Schema             struct {
				OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
			}
			Subresources struct {
				Status *struct{}
				Scale  *scaling
			}
			Columns          []tables.Column `json:"additionalPrinterColumns"`
			SelectableFields []struct {
				JSONPath string `json:"jsonPath"`
			}
		}
	}
}

// parse reads what a version says in languages of its own: its schema, and the columns of tables. The
// schema is nil if it is none.
func (d *crd) parse(i int) (parsed *crdschema.Schema, columns *tables.Columns, errs field.ErrorList) {
	v, path := d.Spec.Versions[i], field.NewPath("spec", "versions").Index(i)
	parsed, err := crdschema.New(v.Schema.OpenAPIV3Schema)
	if err != nil {
		return nil, nil, field.ErrorList{field.Invalid(path.Child("schema", "openAPIV3Schema"), "", err.Error())}
	}
	if columns, err = tables.Custom(v.Columns); err != nil {
		errs = append(errs, field.Invalid(path.Child("additionalPrinterColumns"), "", err.Error()))
	}
	at := path.Child("schema")
	if d.sameSchemas() {
		at = field.NewPath("spec", "validation") // where they have one, as in v1beta1
	}
	for _, wrong := range parsed.WrongDefaults() {
		if wrong.Field = at.String() + "." + wrong.Field; i == 0 || !d.sameSchemas() {
			errs = append(errs, wrong)
		}
	}
	return parsed, columns, errs
}

// resources are the kinds that a definition adds, one for each version that is served.
func (d *crd) resources(deleted bool) ([]*resource, field.ErrorList) {
	var out []*resource
	var errs field.ErrorList
	var stored *crdschema.Schema
	versions := map[schema.GroupVersionKind]*crdschema.Schema{}
	withStatus := map[schema.GroupVersionKind]bool{}
	converter := sync.OnceValues(func() (managedfields.TypeConverter, error) { return crdschema.TypeConverter(versions) })
	for i, v := range d.Spec.Versions {
		parsed, columns, wrong := d.parse(i)
		errs = append(errs, wrong...)
		if parsed == nil {
			continue
		}
		gvk := schema.GroupVersionKind{Group: d.Spec.Group, Version: v.Name, Kind: d.Spec.Names.Kind}
		versions[gvk] = parsed
		withStatus[gvk] = v.Subresources.Status != nil
		if v.Storage {
			stored = parsed
		}
		if !v.Served {
			continue
		}
		r := &resource{
			gvk: gvk, plural: d.Spec.Names.Plural, singular: d.Spec.Names.Singular, shortNames: d.Spec.Names.ShortNames, categories: d.Spec.Names.Categories,
			listKind: d.Spec.Names.ListKind, namespaced: d.Spec.Scope == "Namespaced", status: v.Subresources.Status != nil,
			generation: true, needsRV: true, verbs: customVerbs, fields: map[string][]string{},
			custom: &custom{
				schema: parsed, versions: versions, withStatus: withStatus, definition: d.Metadata.Name, terminating: deleted,
				columns: columns, openAPI: v.Schema.OpenAPIV3Schema, scaling: v.Subresources.Scale,
			},
		}
		if v.Deprecated {
			r.rules.deprecated = cmp.Or(v.DeprecationWarning, d.deprecated(v.Name))
		}
		r.managed = newManaged(r, converter)
		if r.listKind == "" {
			r.listKind = gvk.Kind + "List"
		}
		if r.singular == "" {
			r.singular = strings.ToLower(gvk.Kind)
		}
		for _, f := range v.SelectableFields {
			name := strings.TrimPrefix(f.JSONPath, ".")
			r.fields[name] = strings.Split(name, ".")
		}
		out = append(out, r)
	}
	for _, r := range out {
		r.custom.stored, r.custom.storedAs = stored, d.Spec.Group+"/"+d.storage()
	}
	return out, append(errs, d.validate()...)
}

// sameSchemas reports whether all versions have the same schema.
func (d *crd) sameSchemas() bool {
	for _, v := range d.Spec.Versions {
		if !equal(v.Schema.OpenAPIV3Schema, d.Spec.Versions[0].Schema.OpenAPIV3Schema) {
			return false
		}
	}
	return true
}

// approved is the annotation that definitions need in groups of Kubernetes.
const approved = "api-approved.kubernetes.io"

func isProtected(group string) bool {
	return group == "k8s.io" || strings.HasSuffix(group, ".k8s.io") || group == "kubernetes.io" || strings.HasSuffix(group, ".kubernetes.io")
}

// validate says what is wrong with a definition, as far as a client would notice.
func (d *crd) validate() (errs field.ErrorList) {
	spec := field.NewPath("spec")
	for path, value := range map[string]string{"group": d.Spec.Group, "scope": d.Spec.Scope} {
		if value == "" {
			errs = append(errs, field.Required(spec.Child(path), ""))
		}
	}
	names := d.Spec.Names
	for path, value := range map[string]string{"plural": names.Plural, "singular": names.Singular, "kind": names.Kind, "listKind": names.ListKind} {
		if value == "" {
			errs = append(errs, field.Required(spec.Child("names", path), ""))
		}
	}
	if want := d.Spec.Names.Plural + "." + d.Spec.Group; d.Metadata.Name != want {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), d.Metadata.Name, "must be spec.names.plural+\".\"+spec.group"))
	}
	if d.Spec.Scope != "" && d.Spec.Scope != "Namespaced" && d.Spec.Scope != "Cluster" {
		errs = append(errs, field.NotSupported(spec.Child("scope"), d.Spec.Scope, []string{"Cluster", "Namespaced"}))
	}
	if isProtected(d.Spec.Group) && d.Metadata.Annotations[approved] == "" {
		errs = append(errs, field.Required(field.NewPath("metadata", "annotations").Key(approved),
			"protected groups must have approval annotation \""+approved+"\", see https://github.com/kubernetes/enhancements/pull/1111"))
	}
	if d.Spec.PreserveUnknownFields {
		errs = append(errs, field.Invalid(spec.Child("preserveUnknownFields"), true,
			"cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"))
	}
	stored := 0
	for i, v := range d.Spec.Versions {
		if v.Storage {
			stored++
		}
		for _, wrong := range validation.IsDNS1035Label(v.Name) {
			errs = append(errs, field.Invalid(spec.Child("versions").Index(i).Child("name"), v.Name, wrong))
		}
		if v.Schema.OpenAPIV3Schema == nil {
			errs = append(errs, field.Required(spec.Child("versions").Index(i).Child("schema", "openAPIV3Schema"), "schemas are required"))
		}
	}
	if stored == 0 {
		errs = append(errs, field.Invalid(field.NewPath("status", "storedVersions"), []string{}, "must have at least one stored version"))
	}
	if stored != 1 {
		errs = append(errs, field.Invalid(spec.Child("versions"), stored, "must have exactly one version marked as storage version"))
	}
	return errs
}

func readCRD(object map[string]any) (*crd, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	d := &crd{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	for i := range d.Spec.Versions { // with whole numbers as the schema wants them
		versions, _, _ := unstructured.NestedSlice(object, "spec", "versions")
		version, _ := versions[i].(map[string]any)
		d.Spec.Versions[i].Schema.OpenAPIV3Schema, _, _ = unstructured.NestedMap(version, "schema", "openAPIV3Schema")
	}
	return d, nil
}

func (d *crd) storage() string {
	for _, v := range d.Spec.Versions {
		if v.Storage {
			return v.Name
		}
	}
	return ""
}

// defaultDefinition names a kind in all ways that the definition leaves out.
func defaultDefinition(object map[string]any) {
	spec := child(object, "spec")
	if spec == nil {
		return
	}
	if spec["preserveUnknownFields"] == false {
		delete(spec, "preserveUnknownFields")
	}
	preset(spec, map[string]any{"conversion": map[string]any{"strategy": "None"}})
	names := child(spec, "names")
	if kind, _ := names["kind"].(string); kind != "" {
		preset(names, map[string]any{"singular": strings.ToLower(kind), "listKind": kind + "List"})
	}
	for _, version := range children(spec, "versions") {
		preset(version, map[string]any{"served": false, "storage": false})
	}
}
