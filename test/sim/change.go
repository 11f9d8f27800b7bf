package sim

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// Change is a write that took effect, with the client that sent it.
type Change struct {
	Time        time.Time                   // by the server's clock, which is virtual in a bubble
	Session     string                      // whose write it was; empty: that of a client of the server itself
	Verb        string                      // create, update, patch, apply, delete, deletecollection
	Resource    schema.GroupVersionResource // that the request was sent to
	Subresource string                      // such as "status"; empty for the object itself
	Key         types.NamespacedName        // of the object
	Type        watch.EventType             // what a watch of all objects shows
	// Before and After are the states around the write; nil for an object that did not
	// exist, or exists no more. They are shared, and must not be changed.
	Before, After *unstructured.Unstructured
	RV            uint64 // the resourceVersion of the write
}

func newChange(w *write, verb watch.EventType, before, after *record) Change {
	c := Change{
		Time: time.Now(), Session: w.session.name, Verb: w.verb, Resource: w.resource.gvr(), Subresource: w.subresource,
		Key: w.key, Type: verb, RV: after.rv,
	}
	if before != nil {
		c.Before = before.view()
	}
	if verb != watch.Deleted {
		c.After = after.view()
	}
	return c
}
