package sim

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// cleanup is the finalizer of a definition whose objects are still there.
const cleanup = "customresourcecleanup.apiextensions.k8s.io"

func condition(name, reason string) any {
	return map[string]any{"type": name, "status": "True", "reason": reason, "message": "", "lastTransitionTime": metav1.Now().UTC().Format(time.RFC3339)}
}

// markTerminating is what becomes of a definition that is deleted: its objects go first.
func markTerminating(o *unstructured.Unstructured) {
	if finalizers := o.GetFinalizers(); !slices.Contains(finalizers, cleanup) {
		o.SetFinalizers(append(finalizers, cleanup))
	}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	_ = unstructured.SetNestedSlice(o.Object, append(conditions, condition("Terminating", "InstanceDeletionInProgress")), "status", "conditions")
}
