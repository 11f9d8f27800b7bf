package repository

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Wrote notes for the reconcile in ctx that a client other than a [Live] (a clientset, a
// [Repository] of your own) created or changed an object. The write then counts like that of a
// Live. obj is the object that the server returned.
//
// # Expected flow
//
//	cm, err := clientset.CoreV1().ConfigMaps(ns).Create(ctx, cm, metav1.CreateOptions{})
//	if err == nil {
//		err = repository.Wrote(ctx, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cm)
//	}
//
// # Guarantees
//
//   - Reads of an informer with the ctx show the write, and the next attempt for the object that
//     is being reconciled does not start from caches that do not show it.
//   - The write is counted in controller.Attempt.Writes, and considered in the detection of
//     reconcile loops.
//   - Outside a reconcile it does nothing.
//
// # Assumptions
//
// It is called right after the write. It is not called for a dry run, nor for a write of a Live,
// which would count twice.
//
// # Caveats
//
// obj is copied. If its Go type is not that of the informer of the kind, and the cache does not
// show the write, the object is read from the server.
//
// # Errors
//
// A [*kerr.Error] with [kerr.ErrUnnamed] if obj is nil or has no name, and one of class Terminal
// if the kind is empty; also outside a reconcile. Nothing is noted then.
func Wrote[T Object](ctx context.Context, kind schema.GroupVersionKind, obj T) error {
	if err := wroteWhat(kerr.OpUpdate, kind, object(obj)); err != nil {
		return err
	}
	if a := journal.From(ctx); a != nil {
		a.Wrote(string(kerr.OpUpdate), journal.Found(refOf(kind, obj), obj.DeepCopyObject().(T))) // it is the caller's: nothing of it is touched
	}
	return nil
}

// WroteDeletion is [Wrote] for a deletion that the server accepted. obj is the object that was
// deleted; its name, namespace, UID and resourceVersion are used.
func WroteDeletion[T Object](ctx context.Context, kind schema.GroupVersionKind, obj T) error {
	if err := wroteWhat(kerr.OpDelete, kind, object(obj)); err != nil {
		return err
	}
	journal.From(ctx).Wrote(string(kerr.OpDelete), journal.Write{
		Ref: refOf(kind, obj), Outcome: journal.Deleted, UID: obj.GetUID(), ResourceVersion: obj.GetResourceVersion(),
	})
	return nil
}

// WroteUnknown is [Wrote] for a write or a deletion that got no answer, so that its outcome is
// unknown. Of obj only the name and the namespace are used. From then on the object is read from
// the server, not from a cache, until a read has shown the outcome. It is not counted in
// controller.Attempt.Writes.
func WroteUnknown[T Object](ctx context.Context, kind schema.GroupVersionKind, obj T) error {
	if err := wroteWhat(kerr.OpUpdate, kind, object(obj)); err != nil {
		return err
	}
	journal.From(ctx).Unsure(refOf(kind, obj))
	return nil
}

func refOf(kind schema.GroupVersionKind, obj metav1.Object) journal.Ref {
	return journal.Ref{Kind: kind.GroupKind(), Key: Key(obj)}
}

// wroteWhat refuses what names no object.
func wroteWhat(op kerr.Op, kind schema.GroupVersionKind, obj metav1.Object) error {
	switch {
	case obj == nil:
		return kerr.New(op, kind, types.NamespacedName{}, "", kerr.ErrUnnamed)
	case obj.GetName() == "":
		return kerr.New(op, kind, Key(obj), obj.GetUID(), kerr.ErrUnnamed)
	case kind.Kind == "":
		return kerr.New(op, kind, Key(obj), obj.GetUID(), kerr.Terminal(errors.New("the kind is empty")))
	}
	return nil
}
