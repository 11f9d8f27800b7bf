package sim

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	maxEventWord = 128
	maxEventNote = 1024
)

// fixedInEvents is what an event cannot change with the API events.k8s.io, by its names in v1, in the
// order in which the server names it.
var fixedInEvents = []string{
	"involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type",
	"eventTime", "action", "related", "reportingController", "reportingInstance",
}

// validateEvent refuses what the server refuses of events that have a time, as those of events.k8s.io must;
// of others nearly everything is allowed. It names fields as v1 does.
func validateEvent(object, old map[string]any) (errs field.ErrorList) {
	current := object["apiVersion"] == eventsv1.SchemeGroupVersion.String()
	event := storedEvent(object)
	if event["eventTime"] != nil {
		errs = eventWords(event, current)
	} else if namespace := child(event, "involvedObject")["namespace"]; namespace != child(event, "metadata")["namespace"] {
		if namespace != nil || child(event, "metadata")["namespace"] != corev1.NamespaceDefault {
			errs = append(errs, foreignNamespace(namespace))
		}
	}
	switch {
	case !current:
		return errs
	case old == nil:
		return append(errs, newEvent(event)...)
	}
	before := storedEvent(old)
	if series := child(event, "series"); !equal(event["series"], before["series"]) && len(series) > 0 {
		errs = append(errs, eventSeries(series)...)
	}
	for _, name := range fixedInEvents {
		stored := name
		if name == "reportingController" {
			stored = "reportingComponent"
		}
		if !equal(event[stored], before[stored]) {
			errs = append(errs, field.Invalid(field.NewPath(name), shownInEvent(event[stored]), "field is immutable"))
		}
	}
	return errs
}

// shownInEvent is how a message shows a field: an object reference as the server has it in memory.
func shownInEvent(value any) any {
	ref, is := value.(map[string]any)
	if !is {
		return value
	}
	text := func(name string) string { s, _ := ref[name].(string); return s }
	return struct{ Kind, Namespace, Name, UID, APIVersion, ResourceVersion, FieldPath string }{
		text("kind"), text("namespace"), text("name"), text("uid"), text("apiVersion"), text("resourceVersion"), text("fieldPath"),
	}
}

func foreignNamespace(namespace any) *field.Error {
	text, _ := namespace.(string)
	return field.Invalid(field.NewPath("involvedObject", "namespace"), text, "does not match event.namespace")
}

// eventWords checks the words of an event that has a time.
func eventWords(event map[string]any, current bool) (errs field.ErrorList) {
	text := func(name string) string { s, _ := event[name].(string); return s }
	switch namespace, _ := child(event, "metadata")["namespace"].(string); {
	case child(event, "involvedObject")["namespace"] != nil:
	case namespace != corev1.NamespaceDefault && namespace != "kube-system":
		errs = append(errs, foreignNamespace(nil))
	}
	reporter := field.NewPath("reportingComponent")
	if current {
		reporter = field.NewPath("reportingController")
	}
	if text("reportingComponent") == "" {
		errs = append(errs, field.Required(reporter, ""))
	}
	for _, wrong := range validation.IsQualifiedName(text("reportingComponent")) {
		errs = append(errs, field.Invalid(reporter, text("reportingComponent"), wrong))
	}
	for _, name := range []string{"reportingInstance", "action", "reason"} {
		if text(name) == "" {
			errs = append(errs, field.Required(field.NewPath(name), ""))
		}
		errs = append(errs, tooLong(name, text(name), maxEventWord)...)
	}
	return append(errs, tooLong("message", text("message"), maxEventNote)...)
}

func tooLong(name, text string, most int) field.ErrorList {
	if len(text) <= most {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath(name), "", fmt.Sprintf("can have at most %d characters", most))}
}

// newEvent checks an event that is created with events.k8s.io.
func newEvent(event map[string]any) (errs field.ErrorList) {
	if series := child(event, "series"); len(series) > 0 {
		errs = append(errs, eventSeries(series)...)
	}
	if event["eventTime"] == nil {
		errs = append(errs, field.Required(field.NewPath("eventTime"), ""))
	}
	if kind, _ := event["type"].(string); kind != corev1.EventTypeNormal && kind != corev1.EventTypeWarning {
		errs = append(errs, field.Invalid(field.NewPath("type"), "", fmt.Sprintf("has invalid value: %v", kind)))
	}
	for _, name := range []string{"firstTimestamp", "lastTimestamp", "count", "source"} {
		if set := event[name]; set != nil && !equal(set, map[string]any{}) && !equal(set, int64(0)) {
			errs = append(errs, field.Invalid(field.NewPath(name), "", "needs to be unset"))
		}
	}
	return errs
}

func eventSeries(series map[string]any) (errs field.ErrorList) {
	if n, _ := series["count"].(int64); n < 2 {
		errs = append(errs, field.Invalid(field.NewPath("series.count"), "", "should be at least 2"))
	}
	if series["lastObservedTime"] == nil {
		errs = append(errs, field.Required(field.NewPath("series.lastObservedTime"), ""))
	}
	return errs
}
