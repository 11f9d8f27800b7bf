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
	for e := err; e != nil; e = errors.Unwrap(e) {
		if _, ok := itself[*marked](e); ok {
			break
		}
		if c, ok := itself[*contained](e); ok {
			if parts := c.parts(); len(parts) > 1 {
				return parts
			}
			break
		}
		var parts []error
		if a, ok := itself[utilerrors.Aggregate](e); ok {
			parts = a.Errors()
		} else if reflect.TypeOf(e) == joinedType {
			parts = e.(interface{ Unwrap() []error }).Unwrap()
		}
		if len(parts) == 0 {
			continue
		}
		var all []error
		for _, part := range parts {
			all = append(all, failures(part)...)
		}
		return all
	}
	return []error{err}
}

// itself reports whether err itself is an E, and not whether there is one in its chain.
func itself[E any](err error) (E, bool) {
	e, ok := any(err).(E)
	return e, ok
}
