package informer

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/paused"
	"github.com/kuberator/kuberator/repository"
)

// SetTransform makes the informer cache what f returns for an object, instead of the object, so
// that parts which are not read take no memory. f gets a copy, which it may change and return. It
// is called for each state of each object, also for the last one of a deleted object, must return
// quickly, and must be safe for concurrent use. The objects of a list that the server streams are
// given to f twice: for what it has returned, f must return the same.
//
// f must keep the name, the namespace, the UID, the resourceVersion, the finalizers and the
// deletion timestamp, which identify an object and its state. If it does not, or if it returns
// nil or panics, the object is cached as it is and Handler.OnError is called. The annotation that
// pauses an object (controller.PausedAnnotation) is kept whatever f does.
//
// A nil f caches objects as they are. SetTransform returns an error if the informer is running.
func (i *Informer[T]) SetTransform(f func(T) T) error {
	defer i.take()()
	if i.now() != nil {
		return fmt.Errorf("set the transform of the informer of %s: it is running", i.Kind().Kind)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.project = f
	return nil
}

// transform returns what client-go calls for each object before caching it. Objects
// of fake clients are copied first: a fake hands out the ones that it keeps.
func (i *Informer[T]) transform(fake bool) cache.TransformFunc {
	i.mu.Lock()
	project := i.project
	i.mu.Unlock()
	kind := metav1.TypeMeta{APIVersion: i.Kind().GroupVersion().String(), Kind: i.Kind().Kind}
	return func(obj any) (any, error) {
		o, ok := obj.(T)
		if !ok {
			return obj, nil
		}
		o = named(o, kind, fake)
		if !i.opts.KeepManagedFields && len(o.GetManagedFields()) > 0 {
			if fake {
				o = clone(o)
			}
			o.SetManagedFields(nil)
		}
		if !fake {
			i.strings.within(o)
		}
		if project == nil {
			return o, nil
		}
		projected, err := projection(project, o)
		if err != nil {
			i.reportOf(o, fmt.Errorf("transform for the cache: %w", err))
			return o, nil
		}
		return projected, nil
	}
}

// named says of which kind an object is of which only the metadata is known: its Go type does not, and the
// server does not either.
func named[T repository.Object](obj T, kind metav1.TypeMeta, fake bool) T {
	partial, ok := any(obj).(*metav1.PartialObjectMetadata)
	if !ok || partial.TypeMeta == kind {
		return obj
	}
	if fake {
		obj = clone(obj)
		partial, _ = any(obj).(*metav1.PartialObjectMetadata)
	}
	partial.TypeMeta = kind
	return obj
}

// projection returns what f makes of a copy of obj.
func projection[T repository.Object](f func(T) T, obj T) (projected T, err error) {
	if err := foreign.Call(func() { projected = f(clone(obj)) }); err != nil {
		return projected, err
	}
	if projected == *new(T) {
		return projected, errors.New("the result is nil")
	}
	if projected.GetName() != obj.GetName() || projected.GetNamespace() != obj.GetNamespace() ||
		projected.GetUID() != obj.GetUID() || projected.GetResourceVersion() != obj.GetResourceVersion() ||
		!slices.Equal(projected.GetFinalizers(), obj.GetFinalizers()) ||
		!projected.GetDeletionTimestamp().Equal(obj.GetDeletionTimestamp()) {
		return projected, errors.New("the name, namespace, UID, resourceVersion, finalizers or deletionTimestamp was changed")
	}
	keepPause(projected, obj)
	return projected, nil
}

// keepPause keeps the annotation that pauses an object, of which most functions do not know that it is read.
func keepPause[T repository.Object](projected, obj T) {
	value, has := obj.GetAnnotations()[paused.Annotation]
	if kept, still := projected.GetAnnotations()[paused.Annotation]; !has || still && kept == value {
		return
	}
	annotations := map[string]string{paused.Annotation: value}
	for key, value := range projected.GetAnnotations() {
		if key != paused.Annotation {
			annotations[key] = value
		}
	}
	projected.SetAnnotations(annotations)
}
