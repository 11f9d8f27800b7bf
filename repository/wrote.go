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

// Wrote tells the reconcile in ctx that another client than a [Live] (a clientset, a
// [Repository] of your own) created or changed an object, so that the reconcile knows the
// write as it knows those of a Live. obj is what the server answered.
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
//   - Reads of an informer with the ctx show the write, and the next attempt for the object
//     that is reconciled does not start from caches that do not.
//   - The write is counted in controller.Attempt.Writes, and can be part of a loop.
//   - Outside a reconcile it does nothing.
//
// # Assumptions
//
// It is called right after the write. It is not called for a dry run, nor for what a Live
// wrote, which would count twice. It comes too late to keep a process from writing that may not.
//
// # Caveats
//
// obj is copied. If its Go type is not the one that an informer of the kind has, what
// the informer's cache does not show is read live.
//
// # Errors
//
// A [*kerr.Error] with [kerr.ErrUnnamed] for an object that is nil or has no name, and one of
// class Terminal for a kind that is empty; also outside a reconcile. Then nothing is noted.
func Wrote[T Object](ctx context.Context, kind schema.GroupVersionKind, obj T) error {
	if err := wroteWhat(kerr.OpUpdate, kind, object(obj)); err != nil {
		return err
	}
	if a := journal.From(ctx); a != nil {
		a.Wrote(journal.Found(refOf(kind, obj), obj.DeepCopyObject().(T))) // it is the caller's: nothing of it is touched
	}
	return nil
}

// WroteDeletion is [Wrote] for a deletion that the server accepted. obj is the object as it
// was when it was deleted; of it the name, the namespace, the UID and the resourceVersion
// are used.
func WroteDeletion[T Object](ctx context.Context, kind schema.GroupVersionKind, obj T) error {
	if err := wroteWhat(kerr.OpDelete, kind, object(obj)); err != nil {
		return err
	}
	journal.From(ctx).Wrote(journal.Write{
		Ref: refOf(kind, obj), Outcome: journal.Deleted, UID: obj.GetUID(), ResourceVersion: obj.GetResourceVersion(),
	})
	return nil
}

// WroteUnknown is [Wrote] for a write, or a deletion, that got no answer: nobody knows
// whether the server has done it. Of obj the name and the namespace are used. The object is
// read live from then on, until the server has said what became of it. It is not counted.
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
