package kerr

import (
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Conditions to test with [errors.Is].
var (
	// ErrTerminal is for errors.Is(err, ErrTerminal), which reports whether err was marked with
	// [Terminal]. To find out whether a controller retries, use [WaitsForChange].
	ErrTerminal = errors.New("terminal")
	// ErrInvalid is for errors.Is(err, ErrInvalid), which reports whether err was marked with
	// [Invalid]. An answer of the server that refuses the content is of class Invalid and not
	// marked: it is retried.
	ErrInvalid = errors.New("invalid input")
	// ErrUnnamed is returned for an object without a name, or without a namespace where its kind
	// needs one, as far as the repository knows that: one made by repository.New knows it if it
	// is confined to namespaces. Else the request is sent, and the error is ErrNotServed.
	ErrUnnamed = errors.New("the object has no name, or no namespace where its kind needs one")
	// ErrNotServed holds for an [*Error] when the API server does not have what the request asks
	// for, whatever the name: the CustomResourceDefinition is missing, the group, version or
	// plural is misspelled, or a namespace is missing in the path, or should not be there.
	// apierrors.IsNotFound holds for it too, since the answer is a 404; its class is Transient, and
	// not NotFound.
	ErrNotServed = errors.New("the API server does not serve this resource")
)

// Terminal marks err as not worth a retry. A controller schedules none; any later event for the
// object (its own change, one of something that it owns or reads, a resync, Enqueue), or a
// Requeue returned beside the error, reconciles it again. The chain and the text stay as they
// are. Terminal(nil) is nil.
func Terminal(err error) error { return Mark(ClassTerminal, err) }

// Invalid marks err as caused by the user's input. A controller treats it like [Terminal]: it
// schedules no retry, and the next event for the object reconciles it again. The class, in logs
// and metrics, tells the two apart. The chain and the text stay as they are. Invalid(nil) is nil.
func Invalid(err error) error { return Mark(ClassInvalid, err) }

// Mark returns err with the class c, which takes precedence over that of its cause. The chain and
// the text stay as they are. Mark(c, nil) is nil.
func Mark(c Class, err error) error {
	if err == nil {
		return nil
	}
	return &marked{class: c, err: err}
}

type marked struct {
	class Class
	err   error
}

func (m *marked) Error() string { return m.err.Error() }
func (m *marked) Unwrap() error { return m.err }

func (m *marked) Is(target error) bool {
	return m.class == ClassTerminal && target == ErrTerminal || m.class == ClassInvalid && target == ErrInvalid
}

// WaitsForChange reports whether trying again before the object changes is
// pointless: the error is marked [Terminal] or [Invalid], or is of class TooLarge.
// Of failures that were joined, all must be. An [After] around such an error names the time
// of the next try, so there is one.
//
// It is false for an answer 4xx of the server: quotas, webhooks and roles change without an event
// for the object.
func WaitsForChange(err error) bool {
	if hasTime(err) {
		return false
	}
	for _, failure := range failures(err) {
		if hasTime(failure) || !waitsForChange(failure, classOfOne(failure)) {
			return false
		}
	}
	return true
}

// hasTime reports whether the outermost mark is an After.
func hasTime(err error) bool {
	for e := err; e != nil; e = next(e) {
		if _, ok := itself[*after](e); ok {
			return true
		}
		if _, ok := itself[*marked](e); ok {
			return false
		}
	}
	return false
}

// waitsForChange is for one failure and its class.
func waitsForChange(err error, c Class) bool {
	return c == ClassTerminal || c == ClassTooLarge || errors.Is(err, ErrTerminal) || errors.Is(err, ErrInvalid)
}

// After marks err to be retried after d, instead of after the backoff, or earlier if an event asks for it:
// see docs/retries.md. A restart of the process forgets d. A controller waits for at
// least 100 ms, or Options.MinBackoff if that is shorter. The chain and the text stay as they
// are. After(d, nil) is nil.
func After(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &after{d: max(d, 0), err: err}
}

type after struct {
	d   time.Duration
	err error
}

func (a *after) Error() string { return a.err.Error() }
func (a *after) Unwrap() error { return a.err }

// RetryAfter returns the time to wait that the error names: the one given to [After], or else the
// one that the API server asked for (Retry-After). named is false if there is none. Of joined
// errors it is the longest, unless an After around all of them names another.
func RetryAfter(err error) (longest time.Duration, named bool) {
	longest, _, named = asked(err)
	return longest, named
}

// NextTry returns how long to wait before what failed with err is tried again. It is backoff, or
// what the API server asked for (Retry-After) if that is longer, but at most most of the latter,
// since a server can ask for any time. The time given to [After] replaces both, but it is at
// least least, since a failure that is retried at once is a busy loop.
func NextTry(err error, backoff, least, most time.Duration) time.Duration {
	switch d, byUser, named := asked(err); {
	case !named:
		return backoff
	case byUser:
		return max(d, least)
	default:
		return max(backoff, min(d, most))
	}
}

// asked is RetryAfter, and reports whether the time was given to After.
func asked(err error) (longest time.Duration, byUser, named bool) {
	for e := err; e != nil; e = next(e) {
		if a, ok := itself[*after](e); ok {
			return a.d, true, true
		}
	}
	for _, failure := range failures(err) {
		d, user, ok := askedByOne(failure)
		if ok && (!named || d > longest || d == longest && user) {
			longest, byUser, named = d, user, true
		}
	}
	return longest, byUser, named
}

func askedByOne(err error) (d time.Duration, byUser, named bool) {
	if a, ok := errors.AsType[*after](err); ok {
		return a.d, true, true
	}
	seconds := guarded(func() int { seconds, _ := apierrors.SuggestsClientDelay(err); return seconds }, 0)
	return time.Duration(seconds) * time.Second, false, seconds > 0
}
