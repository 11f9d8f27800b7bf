package controllerruntime

import (
	"context"
	"encoding/json"
	"hash/fnv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// objects are those of the kind, in the cache that the reconciler reads from.
type objects struct {
	cache client.Reader
	kind  client.Object
}

// get returns the object, or nil if the cache has none. It must not be changed.
func (o objects) get(ctx context.Context, r request) client.Object {
	obj := o.kind.DeepCopyObject().(client.Object)
	if err := o.cache.Get(ctx, r.NamespacedName, obj, client.UnsafeDisableDeepCopy); err != nil {
		return nil // also one of a namespace that the cache does not have: the reconciler will see
	}
	return obj
}

// state returns the state of the object. The cache is full, since there was a call for it.
func (o objects) state(r request) state {
	return stateOf(o.get(context.Background(), r)) //nolint:forbidigo // an event has none
}

// state is what of an object somebody edits, as far as one can tell. The zero value is no object.
type state struct {
	uid        types.UID
	generation int64
	deleting   bool
	rest       uint64 // the hash of what the generation does not count
}

func stateOf(obj client.Object) state {
	if obj == nil {
		return state{}
	}
	s := state{uid: obj.GetUID(), generation: obj.GetGeneration(), deleting: obj.GetDeletionTimestamp() != nil}
	rest := map[string]any{"labels": obj.GetLabels(), "annotations": obj.GetAnnotations()}
	if s.generation == 0 {
		rest["content"] = content(obj)
	}
	text, _ := json.Marshal(rest) //nolint:errchkjson // it was made of JSON
	h := fnv.New64a()
	_, _ = h.Write(text)
	s.rest = h.Sum64()
	return s
}

// content returns all but the status and the metadata. Of metadata alone that is nothing: then each version counts.
func content(obj client.Object) any {
	if _, is := obj.(*metav1.PartialObjectMetadata); is {
		return obj.GetResourceVersion()
	}
	all, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return obj.GetResourceVersion()
	}
	rest := map[string]any{}
	for field, value := range all {
		if field != "status" && field != "metadata" {
			rest[field] = value
		}
	}
	return rest
}
