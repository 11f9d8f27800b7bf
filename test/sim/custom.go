package sim

import (
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"

	crdschema "github.com/kuberator/kuberator/test/sim/internal/schema"
	"github.com/kuberator/kuberator/test/sim/internal/tables"
)

// custom is what a CustomResourceDefinition says of one version of a kind.
type custom struct {
	schema      *crdschema.Schema
	versions    map[schema.GroupVersionKind]*crdschema.Schema // of all of them
	withStatus  map[schema.GroupVersionKind]bool              // which of them have the subresource
	stored      *crdschema.Schema                             // that of the version in which objects are stored
	storedAs    string                                        // that version, with its group
	definition  string                                        // its name
	terminating bool                                          // the definition is deleted: nothing new may come
	columns     *tables.Columns                               // of tables; nil: those of a kind without any
	openAPI     map[string]any                                // its schema as it was given; nil: it has none
	validator   Validator                                     // of its other rules; nil: there are none
	scaling     *scaling                                      // nil: it has no subresource scale
}

// definitions is the kind of CustomResourceDefinitions.
var definitions = func() *resource {
	anything, err := crdschema.New(nil)
	if err != nil {
		panic(err) //nolint:forbidigo // it has no schema
	}
	gvk := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	r := &resource{
		gvk: gvk, plural: "customresourcedefinitions", singular: "customresourcedefinition", shortNames: []string{"crd", "crds"}, categories: extensions,
		listKind: "CustomResourceDefinitionList", status: true, generation: true, needsRV: true, verbs: allVerbs,
		custom: &custom{schema: anything, stored: anything, storedAs: groupVersion(gvk)},
		rules:  rules{defaults: defaultDefinition, change: changeDefinition},
	}
	r.managed = newManaged(r, deduced)
	return r
}()

func deduced() (managedfields.TypeConverter, error) {
	return managedfields.NewDeducedTypeConverter(), nil
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
