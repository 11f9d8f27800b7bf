package kerr

import (
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Conditions to test with [errors.Is].
var (
	// ErrTerminal is for errors.Is(err, ErrTerminal), which reports whether err was marked with
	// [Terminal]. To ask whether a controller tries again, use [WaitsForChange].
	ErrTerminal = errors.New("terminal")
	// ErrInvalid is for errors.Is(err, ErrInvalid), which reports whether err was marked with
	// [Invalid]. An answer of the server that refuses the content is of class Invalid and not
	// marked: it is tried again.
	ErrInvalid = errors.New("invalid input")
	// ErrUnnamed is returned for an object without a name, or without a namespace
	// where its kind needs one.
	ErrUnnamed = errors.New("the object has no name, or no namespace where its kind needs one")
	// ErrNotServed holds for an [*Error] when the API server does not have the
	// resource at all: the CustomResourceDefinition is missing, or the group,
	// version or plural is misspelled.
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

// Mark gives err the class c, whatever its cause looks like. Mark(c, nil) is nil.
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
// An answer 4xx of the server is not: quotas, webhooks and roles change without
// the object changing.
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

// After marks err to be tried again after d, and not after the backoff. A controller takes less than
// 100 ms for 100 ms, or for its shortest backoff if that is shorter. After(d, nil) is nil.
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

// RetryAfter returns when to try again, if the error says so: the time given to
// [After], else what the API server asked for (Retry-After). Of failures that were joined
// it is the longest: none of them is tried again too early. An After around all of them
// wins.
func RetryAfter(err error) (longest time.Duration, named bool) {
	longest, _, named = asked(err)
	return longest, named
}

// NextTry returns how long to wait before what failed with err is tried again, where the
// backoff would wait for so long: backoff, or what the API server asked for (Retry-After), whichever is
// later, but no longer than most; a server can ask for anything. An [After] takes the place of
// both, but for less than least: a failure that is tried again at once is a loop.
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
