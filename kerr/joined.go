package kerr

import (
	"errors"
	"reflect"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// joinedType is what errors.Join returns. The method Unwrap is not enough to recognise it: an
// error of fmt.Errorf with two %w has that too, and is one failure with two names.
var joinedType = reflect.TypeOf(errors.Join(errors.ErrUnsupported))

// failures returns the failures that were joined, with [errors.Join] or as an Aggregate of
// apimachinery, in the chain of err; err itself if there is only one. A mark decides for all
// errors below it.
func failures(err error) []error {
	for e := err; e != nil; e = next(e) {
		if _, ok := itself[*marked](e); ok {
			break
		}
		if !isJoined(e) {
			continue
		}
		var all []error
		for _, part := range unwrapped(e) {
			all = append(all, failures(part)...)
		}
		if len(all) > 0 {
			return all
		}
	}
	return []error{err}
}

// next returns the error that e wraps, if it is one.
func next(e error) error {
	if c, ok := itself[*contained](e); ok {
		if len(c.parts) == 1 {
			return c.parts[0]
		}
		return nil
	}
	return errors.Unwrap(e)
}

// isJoined reports whether e, and not what it wraps, is several failures.
func isJoined(e error) bool {
	if c, ok := itself[*contained](e); ok {
		return c.joined
	}
	_, aggregate := itself[utilerrors.Aggregate](e)
	return aggregate || reflect.TypeOf(e) == joinedType
}

// itself reports whether err is an E, and not whether there is one in its chain.
func itself[E any](err error) (E, bool) {
	e, ok := any(err).(E)
	return e, ok
}
