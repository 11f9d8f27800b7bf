package repository

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Apply sends obj by server-side apply as the field manager and returns the object as the server
// stored it. If another manager owns a field with another value, the error is of class
// FieldManagerConflict; [Force] takes such fields over.
//
// Inside a reconcile, if the controller has a cache of the kind (Owns, Watches or References),
// nothing is sent if the same was applied before and the object has not changed since. The cached
// object is returned then, without managedFields.
//
// All fields that T marshals are applied, also zero fields that were not set but that T marshals:
// see [Live.ApplyConfiguration]. If obj has a UID it is sent, so that an object that was deleted
// is not created again. Without a UID an object that does not exist is created, and an existing
// one of that name is changed, whoever created it: server-side apply has no create-only mode. Use
// [Live.Create] where that matters.
//
// # Errors
//
// A [*kerr.Error] with the step OpServerSideApply. An empty fieldManager is an error, and nothing
// is sent.
func (l *Live[T]) Apply(ctx context.Context, obj T, fieldManager string, opts ...ApplyOption) (T, error) {
	if err := l.refuse(kerr.OpServerSideApply, object(obj)); err != nil {
		return *new(T), err
	}
	fields, err := l.fieldsOf(obj)
	if err != nil {
		return *new(T), l.wrap(kerr.OpServerSideApply, Key(obj), obj.GetUID(), err)
	}
	return l.serverSideApply(ctx, obj, fields, fieldManager, opts)
}

// ApplyConfiguration is [Live.Apply] of only those fields that are set in an apply configuration,
// a type that client-go has for its kinds and applyconfiguration-gen generates for yours:
//
//	repo.ApplyConfiguration(ctx, appsv1ac.Deployment("web", "shop").WithSpec(...), "shop-operator")
//
// A Go struct also marshals zero fields that were not set, and Apply claims them for its manager:
// for instance creationTimestamp in the template of a Deployment, or its strategy. An apply
// configuration does not. It is sent as it is; if it has a UID, the object must exist and have the
// same. A resourceVersion must be that of the object if there is one; without an object, one is
// created all the same. Owner references are part of the configuration: [SetController] does not
// take one.
//
// # Errors
//
// Those of Apply. In addition, and nothing is sent: [kerr.ErrUnnamed] for a configuration that is
// nil or has no name, or, as far as the repository knows that the kind needs one, no namespace;
// and class Terminal for one of another group, version or kind than the repository.
func (l *Live[T]) ApplyConfiguration(ctx context.Context, config runtime.ApplyConfiguration, fieldManager string, opts ...ApplyOption) (T, error) {
	fields, err := fieldsIn(config)
	if err != nil {
		return *new(T), l.wrap(kerr.OpServerSideApply, types.NamespacedName{}, "", fmt.Errorf("the apply configuration: %w", err))
	}
	if len(fields) == 0 {
		return *new(T), l.refuse(kerr.OpServerSideApply, nil)
	}
	head := &unstructured.Unstructured{Object: fields}
	if kind := head.GroupVersionKind(); kind != l.kind {
		err := fmt.Errorf("the apply configuration is one of %s, and the repository one of %s", kind, l.kind)
		return *new(T), l.wrap(kerr.OpServerSideApply, Key(head), head.GetUID(), kerr.Terminal(err))
	}
	if err := l.refuse(kerr.OpServerSideApply, head); err != nil {
		return *new(T), err
	}
	return l.serverSideApply(ctx, head, fields, fieldManager, opts)
}

// serverSideApply sends the fields of obj, unless they were applied before and nothing
// has changed since.
func (l *Live[T]) serverSideApply(ctx context.Context, obj metav1.Object, fields map[string]any, fieldManager string, opts []ApplyOption) (T, error) {
	fail := func(err error) (T, error) {
		return *new(T), l.wrap(kerr.OpServerSideApply, Key(obj), obj.GetUID(), err)
	}
	if fieldManager == "" {
		return fail(kerr.Terminal(errors.New("the field manager is empty")))
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return fail(err)
	}
	w := with(l.writing, opts)
	a, ref := journal.From(ctx), l.ref(Key(obj))
	hash := sha256.Sum256(fmt.Appendf(data, "%q force=%t", fieldManager, w.force))
	if have, same := applied[T](a, ref, hash); same && !w.dryRun {
		return have, nil
	}
	got, err := l.write(ctx, kerr.OpServerSideApply, obj, w, func(ctx context.Context, key types.NamespacedName) (T, error) {
		return l.backend.patch(ctx, key, types.ApplyPatchType, data, w.applyOptions(fieldManager))
	})
	if err == nil && !w.dryRun {
		a.SetApplied(ref, journal.Applied{Hash: hash, UID: got.GetUID(), ResourceVersion: got.GetResourceVersion()})
	}
	return got, err
}

// applied returns the cached object if it is in the very state that the server
// answered with when the same fields were last applied. The request would change
// nothing.
func applied[T Object](a *journal.Journal, ref journal.Ref, hash [32]byte) (have T, same bool) {
	last := a.Applied(ref)
	if last.Hash != hash || last.ResourceVersion == "" {
		return have, false
	}
	if w, ok := a.Last(ref); ok && (w.Outcome != journal.Stored || w.ResourceVersion != last.ResourceVersion) {
		return have, false // written in another way since
	}
	obj, _ := a.Recorder.Cached(ref)
	cached, ok := obj.(T)
	if !ok || cached.GetUID() != last.UID || cached.GetResourceVersion() != last.ResourceVersion {
		return have, false
	}
	return cached.DeepCopyObject().(T), true
}

// fieldsOf leaves out what a typed object marshals although it was not set, and what server-side
// apply refuses.
func (l *Live[T]) fieldsOf(obj T) (map[string]any, error) {
	fields, err := fieldsIn(obj)
	if err != nil {
		return nil, err
	}
	fields["apiVersion"], fields["kind"] = l.kind.ToAPIVersionAndKind()
	if meta, ok := fields["metadata"].(map[string]any); ok {
		for _, field := range []string{"managedFields", "creationTimestamp", "resourceVersion", "generation", "selfLink"} {
			delete(meta, field)
		}
	}
	if status, ok := fields["status"].(map[string]any); ok && len(status) == 0 {
		delete(fields, "status")
	}
	return fields, nil
}

// fieldsIn returns what value marshals; nothing for nil. Integers stay what they are.
func fieldsIn(value any) (fields map[string]any, err error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return fields, json.Unmarshal(data, &fields)
}
