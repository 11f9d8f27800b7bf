package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Objects returns copies of all objects on the server, sorted by group, resource, namespace and
// name, but with CustomResourceDefinitions first, and then Namespaces: in an order in which
// [Server.Load] can load them.
func (s *Server) Objects() []*unstructured.Unstructured {
	var places []schema.GroupResource
	for _, r := range s.served() {
		if gr := home(r.gr()); !slices.Contains(places, gr) {
			places = append(places, gr)
		}
	}
	slices.SortFunc(places, func(a, b schema.GroupResource) int { return cmp.Compare(a.String(), b.String()) })
	var out []*unstructured.Unstructured
	for _, gr := range places {
		_, records, _, _ := s.store.list(gr, newest)
		for _, rec := range records {
			out = append(out, rec.copy())
		}
	}
	inOrder(out)
	return out
}

// inOrder puts first what others need.
func inOrder(objects []*unstructured.Unstructured) {
	rank := func(o *unstructured.Unstructured) int {
		switch o.GroupVersionKind().GroupKind() {
		case definitions.gvk.GroupKind():
			return 0
		case schema.GroupKind{Kind: "Namespace"}:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return cmp.Compare(rank(a), rank(b)) })
}

// Load stores objects, such as those of [Server.Objects], CustomResourceDefinitions and Namespaces
// first. One with a uid is stored as it is, with that uid, its status, its generation and its
// times, and replaces one that has its name; only its resourceVersion is a new one. One without a
// uid is created, as by a client, and has its status from the beginning.
//
// # Errors
//
// An object of a kind that is not served, or that is invalid; others are loaded all the same. The
// error names them all.
func (s *Server) Load(objects ...*unstructured.Unstructured) error {
	objects = slices.Clone(objects)
	inOrder(objects)
	var errs []error
	for _, o := range objects {
		if err := s.load(o.DeepCopy()); err != nil {
			errs = append(errs, fmt.Errorf("load %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err))
		}
	}
	return errors.Join(errs...)
}

func (s *Server) load(o *unstructured.Unstructured) error {
	gvk := o.GroupVersionKind()
	gvr, namespaced, ok := s.Mapping(gvk)
	if !ok {
		return fmt.Errorf("%s is not served", gvk)
	}
	r := s.resource(gvr)
	if namespaced && o.GetNamespace() == "" {
		o.SetNamespace(metav1.NamespaceDefault)
	}
	status := o.Object["status"]
	if o.GetUID() == "" {
		o.SetResourceVersion("")
		ctx := context.Background() //nolint:forbidigo // nothing in it waits
		if err := s.root.makeIn(ctx, r, o.GetNamespace(), o.Object); err != nil {
			return err
		}
	}
	return s.overwrite(r, o, status)
}

// overwrite gives an object the state that it is to have, whatever it was.
func (s *Server) overwrite(r *resource, o *unstructured.Unstructured, status any) error {
	w := &write{session: s.root, resource: r, verb: "create", key: types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}}
	read := s.store.get(r.gr(), w.key)
	next := o
	if o.GetUID() == "" { // it was just created
		if status == nil || !r.status {
			return nil
		}
		next = r.read(read).copy()
		next.Object["status"] = status
	} else {
		data, err := json.Marshal(o.Object)
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		if next.Object, _, _, err = r.decode(data, metav1.FieldValidationIgnore); err != nil {
			return err
		}
	}
	if born := next.GetCreationTimestamp(); born.IsZero() {
		next.SetCreationTimestamp(metav1.NewTime(time.Now().Truncate(time.Second)))
	}
	if err := w.validate(next, nil); err != nil {
		return err
	}
	kept := next.Object["status"]
	if err := s.admit(w, next); err != nil {
		return err
	}
	if kept != nil { // that of a definition, which is established since then
		next.Object["status"] = kept
	}
	rec, done, err := w.commit(s, read, next.Object)
	if err != nil {
		return err
	}
	if !done {
		return errors.New("it changes meanwhile")
	}
	s.committed(w, read, rec)
	return nil
}
