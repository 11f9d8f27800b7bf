package event

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// maxWord is how long the API server lets a reason, an action and the name of the reporter be.
const maxWord = 128

// Reason is why an event is recorded. Declare each once, as a variable of a package, so that the words
// that people and alerts look for stand in one place. Make one with [Normal] or [Warning].
type Reason struct {
	eventType, name, action string
}

// Normal is the reason of an event that only informs. name is what happened, as one word in CamelCase,
// such as "Scaled". action is what the operator was doing, in the same form, such as "Scale"; if it is
// empty, it is the name. Each has at most 128 bytes.
func Normal(name, action string) Reason { return Reason{corev1.EventTypeNormal, name, action} }

// Warning is the reason of an event that somebody should look at. See [Normal] for name and action.
func Warning(name, action string) Reason { return Reason{corev1.EventTypeWarning, name, action} }

// Name is the word for what happened.
func (r Reason) Name() string { return r.name }

// Type is "Normal" or "Warning".
func (r Reason) Type() string { return r.eventType }

// Action is the word for what the operator was doing.
func (r Reason) Action() string {
	if r.action == "" {
		return r.name
	}
	return r.action
}

// check returns why the API server would refuse an event with the reason.
func (r Reason) check() error {
	switch {
	case r.eventType == "":
		return errors.New("the Reason was not made with Normal or Warning")
	case r.name == "":
		return errors.New("the Reason has no name")
	case len(r.name) > maxWord || len(r.action) > maxWord:
		return fmt.Errorf("the name or the action of Reason %.20q has more than %d bytes", r.name, maxWord)
	}
	return nil
}
