package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"

	crdschema "github.com/kuberator/kuberator/test/sim/internal/schema"
	"github.com/kuberator/kuberator/test/sim/internal/tables"
)

// custom is what a CustomResourceDefinition says of one version of a kind.
type custom struct {
	schema      *crdschema.Schema
	stored      *crdschema.Schema // that of the version in which objects are stored
	storedAs    string            // that version, with its group
	definition  string            // its name
	terminating bool              // the definition is deleted: nothing new may come
	columns     *tables.Columns   // of tables; nil: those of a kind without any
	openAPI     map[string]any    // its schema as it was given; nil: it has none
	validator   Validator         // of its other rules; nil: there are none
	scaling     *scaling          // nil: it has no subresource scale
}

// definitions is the kind of CustomResourceDefinitions.
var definitions = func() *resource {
	anything, err := crdschema.New(nil)
	if err != nil {
		panic(err) //nolint:forbidigo // it has no schema
	}
	gvk := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	return &resource{
		gvk: gvk, plural: "customresourcedefinitions", singular: "customresourcedefinition", shortNames: []string{"crd", "crds"}, categories: extensions,
		listKind: "CustomResourceDefinitionList", status: true, generation: true, needsRV: true, verbs: allVerbs,
		custom: &custom{schema: anything, stored: anything, storedAs: groupVersion(gvk)}, managed: newManaged(gvk, true, deduced),
	}
}()

func deduced() (managedfields.TypeConverter, error) {
	return managedfields.NewDeducedTypeConverter(), nil
}

// crd is a CustomResourceDefinition of apiextensions.k8s.io/v1, as far as it is understood.
type crd struct {
	Metadata struct{ Name string }
	Spec     struct {
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
			Schema     struct {
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

// resources are the kinds that a definition adds, one for each version that is served.
func (d *crd) resources(deleted bool) ([]*resource, field.ErrorList) {
	var out []*resource
	var errs field.ErrorList
	var stored *crdschema.Schema
	for i, v := range d.Spec.Versions {
		path := field.NewPath("spec", "versions").Index(i)
		parsed, err := crdschema.New(v.Schema.OpenAPIV3Schema)
		if err != nil {
			errs = append(errs, field.Invalid(path.Child("schema", "openAPIV3Schema"), "", err.Error()))
			continue
		}
		columns, err := tables.Custom(v.Columns)
		if err != nil {
			errs = append(errs, field.Invalid(path.Child("additionalPrinterColumns"), "", err.Error()))
		}
		if v.Storage {
			stored = parsed
		}
		if !v.Served {
			continue
		}
		gvk := schema.GroupVersionKind{Group: d.Spec.Group, Version: v.Name, Kind: d.Spec.Names.Kind}
		r := &resource{
			gvk: gvk, plural: d.Spec.Names.Plural, singular: d.Spec.Names.Singular, shortNames: d.Spec.Names.ShortNames, categories: d.Spec.Names.Categories,
			listKind: d.Spec.Names.ListKind, namespaced: d.Spec.Scope == "Namespaced", status: v.Subresources.Status != nil,
			generation: true, needsRV: true, verbs: customVerbs, fields: map[string][]string{},
			custom:  &custom{schema: parsed, definition: d.Metadata.Name, terminating: deleted, columns: columns, openAPI: v.Schema.OpenAPIV3Schema, scaling: v.Subresources.Scale},
			managed: newManaged(gvk, v.Subresources.Status != nil, func() (managedfields.TypeConverter, error) { return parsed.TypeConverter(gvk) }),
		}
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

// validate says what is wrong with a definition, as far as a client would notice.
func (d *crd) validate() (errs field.ErrorList) {
	spec := field.NewPath("spec")
	for path, value := range map[string]string{"group": d.Spec.Group, "scope": d.Spec.Scope} {
		if value == "" {
			errs = append(errs, field.Required(spec.Child(path), ""))
		}
	}
	if d.Spec.Names.Plural == "" || d.Spec.Names.Kind == "" {
		errs = append(errs, field.Required(spec.Child("names"), "plural and kind"))
	}
	if want := d.Spec.Names.Plural + "." + d.Spec.Group; d.Metadata.Name != want {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), d.Metadata.Name, "must be spec.names.plural+\".\"+spec.group"))
	}
	if d.Spec.Scope != "" && d.Spec.Scope != "Namespaced" && d.Spec.Scope != "Cluster" {
		errs = append(errs, field.NotSupported(spec.Child("scope"), d.Spec.Scope, []string{"Cluster", "Namespaced"}))
	}
	stored := 0
	for i, v := range d.Spec.Versions {
		if v.Storage {
			stored++
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

// admit is what the server adds to, or refuses in, a write of certain kinds.
func (s *Server) admit(w *write, o *unstructured.Unstructured) error {
	if w.resource.custom != nil && w.resource.custom.terminating && (w.verb == "create" || o.GetResourceVersion() == "") {
		return apierrors.NewForbidden(w.resource.gr(), w.key.Name, errors.New("create not allowed while custom resource definition is terminating"))
	}
	if w.resource != definitions {
		return nil
	}
	d, err := readCRD(o.Object)
	if err != nil {
		return err
	}
	if _, errs := d.resources(false); len(errs) > 0 {
		return w.invalid(o, errs)
	}
	if _, errs := s.compile(d); len(errs) > 0 {
		return w.invalid(o, errs)
	}
	if w.verb != "create" && w.verb != "apply" || w.subresource != "" || o.GetGeneration() > 1 || o.GetDeletionTimestamp() != nil {
		return nil
	}
	names, _, _ := unstructured.NestedMap(o.Object, "spec", "names")
	o.Object["status"] = map[string]any{
		"acceptedNames": names, "storedVersions": []any{d.storage()},
		"conditions": []any{
			condition("NamesAccepted", "NoConflicts"), condition("Established", "InitialNamesAccepted"),
		},
	}
	return nil
}

func (d *crd) storage() string {
	for _, v := range d.Spec.Versions {
		if v.Storage {
			return v.Name
		}
	}
	return ""
}

// committed does what follows from a change of certain kinds.
func (s *Server) committed(w *write, before, after *record) {
	if w.dryRun {
		return
	}
	s.control.noticed(before, after)
	if w.resource == definitions {
		s.defined(w, after)
	}
	if c := w.resource.custom; c != nil && c.terminating && before != nil {
		s.finishDefinition(c.definition)
	}
}

// defined begins, changes or ends the service of the kinds of a definition.
func (s *Server) defined(w *write, after *record) {
	d, err := readCRD(after.object)
	if err != nil {
		return // it was admitted
	}
	gr := schema.GroupResource{Group: d.Spec.Group, Resource: d.Spec.Names.Plural}
	o := s.store.get(definitions.gr(), w.key)
	if o == nil {
		s.unserve(gr)
		s.store.drop(gr)
		return
	}
	deleted := o.view().GetDeletionTimestamp() != nil
	kinds, _ := d.resources(deleted)
	validators, _ := s.compile(d)
	s.unserve(gr)
	for _, r := range kinds {
		r.custom.validator = validators[r.gvk.Version]
		s.serve(r)
	}
	if !deleted || len(kinds) == 0 {
		return
	}
	// Its objects are deleted first; whoever holds one holds the definition.
	keys, _, _, _ := s.store.list(gr, newest)
	for _, key := range keys {
		_, _, _ = s.remove(&write{session: s.root, resource: kinds[0], verb: "delete", key: key}, noOptions) // or it is gone already
	}
	s.finishDefinition(w.key.Name)
}

// finishDefinition lets a deleted definition go when nothing is left of it.
func (s *Server) finishDefinition(name string) {
	rec := s.store.get(definitions.gr(), keyOf("", name))
	if rec == nil || rec.view().GetDeletionTimestamp() == nil {
		return
	}
	d, err := readCRD(rec.object)
	if err != nil {
		return
	}
	keys, _, _, _ := s.store.list(schema.GroupResource{Group: d.Spec.Group, Resource: d.Spec.Names.Plural}, newest)
	if len(keys) > 0 {
		return
	}
	w := &write{session: s.root, resource: definitions, verb: "update", subresource: "finalize", key: keyOf("", name)}
	_, _, err = s.modify(w, false, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		next := current.DeepCopy()
		next.SetFinalizers(without(next.GetFinalizers(), cleanup))
		return next, nil
	})
	if err != nil && !apierrors.IsNotFound(err) && !errors.Is(err, io.EOF) && !errors.Is(err, errSevered) {
		panic(fmt.Sprintf("simulated API server: finish the definition %s: %v", name, err)) //nolint:forbidigo // a defect
	}
}
