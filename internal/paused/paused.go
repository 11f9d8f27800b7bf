// Package paused reads the annotation that pauses an object.
package paused

import (
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/kerr"
)

// Annotation is the annotation.
const Annotation = "kuberator.dev/paused"

// mostShown bounds what is shown of a value, which may be 256 KiB long.
const mostShown = 64

// Pause is what the annotation of a paused object says.
type Pause struct {
	Until time.Time // zero if until the annotation changes
	Err   error     // not nil if the value is none that is known
}

// Of returns the pause of an object at the time now, and false if it is not paused. One that is being
// deleted is not.
func Of(obj metav1.Object, now time.Time) (p Pause, is bool) {
	value := obj.GetAnnotations()[Annotation]
	if value == "" || value == "false" || obj.GetDeletionTimestamp() != nil {
		return Pause{}, false
	}
	if value == "true" {
		return Pause{}, true
	}
	until, err := time.Parse(time.RFC3339, value)
	if until = until.UTC(); err != nil || until.Year() > 9999 { // which no JSON has
		return Pause{Err: kerr.Invalid(fmt.Errorf(
			"the annotation %s is %s, want \"true\", \"false\", or a time with a zone such as \"2006-01-02T15:04:05Z\"; it counts as \"true\" until it is corrected",
			Annotation, strconv.Quote(kerr.Text(value, mostShown)),
		))}, true
	}
	if !until.After(now) {
		return Pause{}, false
	}
	return Pause{Until: until}, true
}
