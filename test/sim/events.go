package sim

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Events have two APIs over one store: what one writes the other shows. They are stored as those
// of v1, from which those of events.k8s.io differ in the names of some fields.
var (
	eventsGroup = eventsv1.Resource("events")
	eventNames  = map[string]string{ // by the name in events.k8s.io
		"note": "message", "regarding": "involvedObject", "reportingController": "reportingComponent", "deprecatedSource": "source",
		"deprecatedFirstTimestamp": "firstTimestamp", "deprecatedLastTimestamp": "lastTimestamp", "deprecatedCount": "count",
	}
)

// home is where the store has the objects of a resource.
func home(gr schema.GroupResource) schema.GroupResource {
	if gr == eventsGroup {
		return corev1.Resource("events")
	}
	return gr
}

// storedEvent returns an event of events.k8s.io as one of v1. One of v1 stays as it is.
func storedEvent(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for name, value := range object {
		if other, renamed := eventNames[name]; renamed {
			name = other
		}
		out[name] = value
	}
	out["apiVersion"] = corev1.SchemeGroupVersion.String()
	return out
}

// groupEvent returns an event of v1 as one of events.k8s.io. One of that stays as it is.
func groupEvent(object map[string]any) map[string]any {
	out := maps.Clone(object)
	for name, stored := range eventNames {
		if value, has := out[stored]; has {
			delete(out, stored)
			out[name] = value
		}
	}
	out["apiVersion"] = eventsv1.SchemeGroupVersion.String()
	return out
}

// groupEventFields are what field selectors for events of events.k8s.io may name.
func groupEventFields() map[string][]string {
	out := map[string][]string{"reason": {"reason"}, "type": {"type"}, "reportingController": {"reportingComponent"}}
	for _, name := range []string{"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"} {
		out["regarding."+name] = []string{"involvedObject", name}
	}
	return out
}

// asEventOf renames the fields of an event to those of a version, if that is one of its versions.
func asEventOf(gvk schema.GroupVersionKind, object map[string]any) map[string]any {
	switch gvk {
	case corev1.SchemeGroupVersion.WithKind("Event"):
		return storedEvent(object)
	case eventsv1.SchemeGroupVersion.WithKind("Event"):
		return groupEvent(object)
	}
	return object
}
