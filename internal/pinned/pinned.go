// Package pinned writes to one object, and to no other object that takes its name.
//
// Both writes of the library to an object that it does not own, the finalizer and
// the status, go through [Write]. It sends a JSON patch whose first operation
// tests the UID; the API server evaluates it on the state that it is about to
// change. What can go wrong then is the same for both: the state was not the one
// the patch was decided on, the object is gone, or the answer got lost. Then the
// live object is read and the patch decided again.
package pinned

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// tries bounds how often Write patches in place. A conflict is over after the first live read
// unless another client writes all the time; then the queue's backoff is the better place to
// wait.
const tries = 3

// Op is one operation of a JSON patch (RFC 6902). A nil Value is none; see [Null].
type Op struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Null is the value null. A test for it holds if there is no such field, too.
var Null = json.RawMessage("null")

// Write patches obj with the operations that decide returns for its state, and
// returns the object as the server answered. No operations mean that the state is
// as wanted: nothing is sent and that state is returned.
//
// If the state changed under the patch, decide is asked again with the live
// object, at most three times. If the object is gone or its name belongs to
// another UID, the error is of class NotFound. If the outcome is unknown and the live
// object is not as wanted, the error is Ambiguous and not tried again here.
func Write[T repository.Object](ctx context.Context, p repository.Repository[T], obj T, decide func(T) []Op, subresources ...string) (T, error) {
	var none T
	state := obj
	var err error
	for range tries {
		ops := decide(state)
		if len(ops) == 0 {
			return state, nil
		}
		patch, encodeErr := encode(obj, ops)
		if encodeErr != nil {
			return none, encodeErr
		}
		var got T
		if got, err = p.Patch(ctx, obj, types.JSONPatchType, patch, subresources...); err == nil {
			return got, nil
		}
		missing := len(subresources) > 0 && errors.Is(err, kerr.ErrNotServed) // the subresource, or the kind
		if !mayBeStale(err) && !missing {
			return none, err
		}
		live, getErr := Live(ctx, p, obj)
		if getErr != nil {
			return none, getErr
		}
		if again, _ := encode(obj, decide(live)); bytes.Equal(again, patch) && !apierrors.IsConflict(err) {
			return none, refused(err, missing || len(subresources) > 0 && kerr.ClassOf(err) == kerr.ClassNotFound)
		}
		state = live
	}
	return none, kerr.Mark(kerr.ClassConflict, fmt.Errorf("the object changed %d times while it was patched: %w", tries, err))
}

// Untyped is a repository that can read what the server has, whatever a Go type makes of it.
type Untyped interface {
	GetUnstructured(ctx context.Context, key types.NamespacedName) (*unstructured.Unstructured, error)
}

// Live reads the object that obj is, by UID. If it is gone, or its name belongs to
// another UID by now, the error is of class NotFound.
func Live[T repository.Object](ctx context.Context, p repository.Repository[T], obj T) (T, error) {
	live, err := p.Get(ctx, repository.Key(obj))
	if err != nil {
		return *new(T), err
	}
	if live.GetUID() != obj.GetUID() {
		return *new(T), Gone(obj)
	}
	return live, nil
}

// Gone is the error for an object whose name belongs to another one.
func Gone(obj metav1.Object) error {
	return kerr.Mark(kerr.ClassNotFound, fmt.Errorf("the object with UID %s is gone, another one has its name", obj.GetUID()))
}

// mayBeStale reports whether a live read can explain the error. A failed test operation is a 422,
// with the same reason as content that the server refuses.
func mayBeStale(err error) bool {
	switch kerr.ClassOf(err) {
	case kerr.ClassConflict, kerr.ClassInvalid, kerr.ClassNotFound, kerr.ClassAmbiguous:
		return true
	default:
		return false
	}
}

// refused is called when the live object calls for the very patch that failed: it
// was not stale.
func refused(err error, noSubresource bool) error {
	if noSubresource {
		return kerr.Mark(kerr.ClassNoStatusSubresource,
			fmt.Errorf("the object exists, but its kind has no such subresource (add it to the CustomResourceDefinition): %w", err))
	}
	return err
}

// encode puts the test of the UID in front of the operations.
func encode(obj metav1.Object, ops []Op) ([]byte, error) {
	patch := make([]Op, 0, 1+len(ops))
	patch = append(patch, Test("/metadata/uid", obj.GetUID()))
	return json.Marshal(append(patch, ops...))
}

// Test is the operation that a field has this value. Empty means that it is missing, which equals null: objects of
// fake clientsets have neither a UID nor a resourceVersion.
func Test[S ~string](path string, value S) Op {
	if value == "" {
		return Op{"test", path, Null}
	}
	return Op{"test", path, value}
}
