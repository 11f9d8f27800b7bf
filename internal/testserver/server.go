// Package testserver makes a client-go fake clientset behave like the API server
// where the unit tests of this module depend on it: UIDs, resourceVersions and
// generations are set, a stale write is a conflict, the status is separate from the
// spec, a deleted object stays until its last finalizer is gone, and a patch that
// changes nothing is no write. The answers are those measured on kube-apiserver 1.36.
//
// Server-side apply is a merge. It serves Deployments and ConfigMaps, and does not block, so that it can be used
// in a synctest bubble.
package testserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
)

// Server is the state behind Clientset. Its fields must be set before it is used.
type Server struct {
	Clientset *fake.Clientset
	// Before is called with the number, from 1, and the subject of every write. An
	// error is returned to the client, and nothing is written.
	Before func(n int, w Write) error
	// After is called after the write was committed. An error is returned to the
	// client in the place of the answer.
	After func(n int, w Write) error

	tracker clienttesting.ObjectTracker

	mu     sync.Mutex
	rv     int
	n      int
	writes []Write
}

// Write is a write that was committed and changed something.
type Write struct {
	Verb        string
	Kind        string
	Key         types.NamespacedName
	Subresource string
	Patch       string
}

// String is for failure messages.
func (w Write) String() string {
	return fmt.Sprintf("%s %s %s/%s %s", w.Verb, w.Kind, w.Key, w.Subresource, w.Patch)
}

// New returns a server that holds objs, created in this order.
func New(objs ...metav1.Object) *Server {
	// The clientset's own tracker computes managedFields, which takes most of the
	// time of a test.
	s := &Server{Clientset: fake.NewClientset(), rv: 100}
	s.tracker = clienttesting.NewObjectTracker(scheme.Scheme, scheme.Codecs.UniversalDecoder())
	s.Clientset.PrependReactor("*", "*", clienttesting.ObjectReaction(s.tracker))
	s.Clientset.PrependWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w, err := s.tracker.Watch(a.GetResource(), a.GetNamespace(), a.(clienttesting.WatchActionImpl).ListOptions)
		return true, w, err
	})
	for verb, react := range map[string]func(clienttesting.Action) (runtime.Object, error){
		"create": s.create, "update": s.update, "patch": s.patch, "delete": s.delete,
	} {
		s.Clientset.PrependReactor(verb, "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
			obj, err := react(a)
			return true, obj, err
		})
	}
	for _, obj := range objs {
		s.adopt(obj)
		if err := s.tracker.Add(obj.(runtime.Object)); err != nil {
			panic(err)
		}
	}
	return s
}

// Remove takes an object away at once, finalizers or not.
func (s *Server) Remove(gvr schema.GroupVersionResource, key types.NamespacedName) error {
	return s.tracker.Delete(gvr, key.Namespace, key.Name)
}

// Writes returns the committed writes so far.
func (s *Server) Writes() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Write(nil), s.writes...)
}

// adopt sets what the server sets on creation.
func (s *Server) adopt(obj metav1.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rv++
	if obj.GetUID() == "" {
		obj.SetUID(types.UID("uid-" + strconv.Itoa(s.rv)))
	}
	obj.SetResourceVersion(strconv.Itoa(s.rv))
	if obj.GetGeneration() == 0 && hasStatus(obj) {
		obj.SetGeneration(1)
	}
}

func hasStatus(obj any) bool { return fields(obj)["status"] != nil }

func (s *Server) create(a clienttesting.Action) (runtime.Object, error) {
	obj := a.(clienttesting.CreateAction).GetObject().DeepCopyObject()
	meta := obj.(metav1.Object)
	w := Write{Verb: "create", Kind: kindOf(obj), Key: types.NamespacedName{Namespace: a.GetNamespace(), Name: meta.GetName()}}
	return s.commit(w, func() (runtime.Object, error) {
		s.adopt(meta)
		return obj, s.tracker.Create(a.GetResource(), obj, a.GetNamespace())
	})
}

func (s *Server) update(a clienttesting.Action) (runtime.Object, error) {
	obj := a.(clienttesting.UpdateAction).GetObject().DeepCopyObject()
	meta := obj.(metav1.Object)
	w := Write{Verb: "update", Kind: kindOf(obj), Key: types.NamespacedName{Namespace: a.GetNamespace(), Name: meta.GetName()}, Subresource: a.GetSubresource()}
	return s.replace(a, w, meta.GetName(), func(map[string]any) (map[string]any, error) { return fields(obj), nil })
}

func (s *Server) patch(a clienttesting.Action) (runtime.Object, error) {
	p := a.(clienttesting.PatchAction)
	w := Write{Verb: "patch", Key: types.NamespacedName{Namespace: a.GetNamespace(), Name: p.GetName()}, Subresource: a.GetSubresource(), Patch: string(p.GetPatch())}
	if p.GetPatchType() == types.ApplyPatchType {
		if _, err := s.tracker.Get(a.GetResource(), a.GetNamespace(), p.GetName()); apierrors.IsNotFound(err) {
			return s.createApplied(a, w)
		}
	}
	return s.replace(a, w, p.GetName(), func(old map[string]any) (map[string]any, error) {
		if p.GetPatchType() == types.JSONPatchType {
			return jsonPatch(old, p.GetPatch())
		}
		return mergePatch(old, p.GetPatch())
	})
}

// replace commits what change makes of the stored object.
func (s *Server) replace(a clienttesting.Action, w Write, name string, change func(map[string]any) (map[string]any, error)) (runtime.Object, error) {
	return s.commit(w, func() (runtime.Object, error) {
		stored, err := s.tracker.Get(a.GetResource(), a.GetNamespace(), name)
		if err != nil {
			return nil, err
		}
		old := fields(stored)
		if a.GetSubresource() == "status" && old["status"] == nil {
			return nil, apierrors.NewNotFound(a.GetResource().GroupResource(), name)
		}
		changed, err := change(fields(stored))
		if err != nil {
			return nil, err
		}
		obj, err := s.admit(a, stored, old, changed)
		if err != nil || obj == nil {
			return stored, err
		}
		meta := obj.(metav1.Object)
		if meta.GetDeletionTimestamp() != nil && len(meta.GetFinalizers()) == 0 {
			return obj, s.tracker.Delete(a.GetResource(), a.GetNamespace(), name)
		}
		return obj, s.tracker.Update(a.GetResource(), obj, a.GetNamespace())
	})
}

// admit checks a change and returns the object to store, or nil if nothing changed.
func (s *Server) admit(a clienttesting.Action, stored runtime.Object, old, changed map[string]any) (runtime.Object, error) {
	name := stored.(metav1.Object).GetName()
	if a.GetSubresource() == "status" {
		status := changed["status"]
		changed = fields(stored)
		changed["status"] = status
	} else if old["status"] != nil {
		changed["status"] = old["status"]
	}
	obj := reflect.New(reflect.TypeOf(stored).Elem()).Interface().(runtime.Object)
	if err := json.Unmarshal(encode(changed), obj); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	was, is := stored.(metav1.Object), obj.(metav1.Object)
	if is.GetUID() == "" {
		is.SetUID(was.GetUID())
	}
	switch {
	case is.GetResourceVersion() != "" && is.GetResourceVersion() != was.GetResourceVersion():
		return nil, apierrors.NewConflict(a.GetResource().GroupResource(), name, fmt.Errorf("the object has been modified"))
	case is.GetUID() != was.GetUID():
		return nil, invalid(name, "metadata.uid: field is immutable")
	case was.GetDeletionTimestamp() != nil && len(is.GetFinalizers()) > len(was.GetFinalizers()):
		return nil, invalid(name, "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted")
	}
	if string(encode(fields(obj))) == string(encode(old)) {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rv++
	is.SetResourceVersion(strconv.Itoa(s.rv))
	if string(encode(fields(obj)["spec"])) != string(encode(old["spec"])) {
		is.SetGeneration(was.GetGeneration() + 1)
	}
	return obj, nil
}

func (s *Server) delete(a clienttesting.Action) (runtime.Object, error) {
	d := a.(clienttesting.DeleteActionImpl)
	w := Write{Verb: "delete", Kind: d.GetResource().Resource, Key: types.NamespacedName{Namespace: a.GetNamespace(), Name: d.GetName()}}
	return s.commit(w, func() (runtime.Object, error) {
		stored, err := s.tracker.Get(a.GetResource(), a.GetNamespace(), d.GetName())
		if err != nil {
			return nil, err
		}
		meta := stored.(metav1.Object)
		if !holds(d.DeleteOptions.Preconditions, meta) {
			return nil, apierrors.NewConflict(a.GetResource().GroupResource(), d.GetName(), fmt.Errorf("precondition failed"))
		}
		if len(meta.GetFinalizers()) == 0 {
			return nil, s.tracker.Delete(a.GetResource(), a.GetNamespace(), d.GetName())
		}
		if meta.GetDeletionTimestamp() != nil {
			return stored, nil
		}
		now := metav1.Now()
		s.mu.Lock()
		s.rv++
		meta.SetResourceVersion(strconv.Itoa(s.rv))
		s.mu.Unlock()
		meta.SetDeletionTimestamp(&now)
		if hasStatus(stored) {
			meta.SetGeneration(meta.GetGeneration() + 1)
		}
		return stored, s.tracker.Update(a.GetResource(), stored, a.GetNamespace())
	})
}

func holds(p *metav1.Preconditions, meta metav1.Object) bool {
	return p == nil || (p.UID == nil || *p.UID == meta.GetUID()) &&
		(p.ResourceVersion == nil || *p.ResourceVersion == meta.GetResourceVersion())
}

// commit runs a write between the two hooks, and counts it if it changed something.
func (s *Server) commit(w Write, do func() (runtime.Object, error)) (runtime.Object, error) {
	s.mu.Lock()
	s.n++
	n, before := s.n, s.rv
	s.mu.Unlock()
	if s.Before != nil {
		if err := s.Before(n, w); err != nil {
			return nil, err
		}
	}
	obj, err := do()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.rv != before || w.Verb == "delete" {
		s.writes = append(s.writes, w)
	}
	s.mu.Unlock()
	if s.After != nil {
		if err := s.After(n, w); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

func kindOf(obj any) string { return reflect.TypeOf(obj).Elem().Name() }

// invalid is a 422 as the server answers for content that it refuses.
func invalid(name, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid,
		Message: message, Details: &metav1.StatusDetails{Name: name},
	}}
}

// unprocessable is a 422 as the server answers for a patch that does not apply.
func unprocessable(message string) error {
	return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", message, 0, false)
}
