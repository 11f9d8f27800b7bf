package kerr

import (
	"errors"
	"reflect"
	"strings"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/sets"
)

const (
	// maxText bounds the text of an error that comes from other code, in bytes. Attempts, logs
	// and hooks carry it.
	maxText = 16 << 10
	// maxErrors bounds how many errors of a tree are looked at: more than anybody joins, and few
	// enough to walk. One whose Unwrap returns itself, or a new error each time, has no end.
	maxErrors = 1 << 14
)

// Contain returns err in a form that can do no harm: none of its methods panics, its text, as of
// now, is at most 16 KiB, and its chain ends: of more than 16,384 errors the rest is cut.
// [errors.Is] and [errors.As] reach what they reached in err. Call it where code of others
// returned an error. Contain(nil) is nil. It cannot contain a method that never returns, or that
// calls itself without end.
//
// It exists because nil pointers of error types, methods that panic, and errors as long as what a
// tenant wrote into an object do happen.
func Contain(err error) (safe error) {
	if err == nil {
		return nil
	}
	text := textOf(err)
	if left := maxErrors; len(text) <= maxText && guarded(func() bool { return harmless(err, &left) }, false) {
		return err
	}
	return contain(err, cut(text, maxText), maxErrors)
}

func textOf(err error) string {
	return guarded(err.Error, "the method Error of a "+reflect.TypeOf(err).String()+" panicked")
}

// guarded returns what f returns, or otherwise if it panics.
func guarded[R any](f func() R, otherwise R) (result R) {
	defer func() {
		if recover() != nil {
			result = otherwise
		}
	}()
	return f()
}

// trusted are the packages whose errors do what errors should.
var trusted = sets.New(
	reflect.TypeFor[Error]().PkgPath(), "errors", "fmt", "context", "io", "io/fs", "os", "os/exec", "syscall", "time", "strconv",
	"net", "net/http", "net/url", "crypto/tls", "crypto/x509", "encoding/json", "encoding/base64", "encoding/hex",
)

// harmless reports whether err and all errors in its chain are of types that are trusted. left is
// how many may still be looked at.
func harmless(err error, left *int) bool {
	kind := reflect.TypeOf(err)
	if kind.Kind() == reflect.Pointer {
		if reflect.ValueOf(err).IsNil() {
			return false
		}
		kind = kind.Elem()
	}
	if *left--; *left < 0 || !trusted.Has(kind.PkgPath()) && !strings.HasPrefix(kind.PkgPath(), "k8s.io/apimachinery/") {
		return false
	}
	for _, inner := range unwrapped(err) {
		if !harmless(inner, left) {
			return false
		}
	}
	return true
}

// unwrapped returns the errors that err wraps, without nil. It calls methods of err.
func unwrapped(err error) (all []error) {
	switch e := err.(type) { //nolint:errorlint // the tree is walked error by error
	case utilerrors.Aggregate:
		all = e.Errors()
	case interface{ Unwrap() error }:
		all = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		all = e.Unwrap()
	}
	var wrapped []error
	for _, inner := range all {
		if inner != nil {
			wrapped = append(wrapped, inner)
		}
	}
	return wrapped
}

// contain makes a tree of contained errors of that of err, but for those that are ours: they
// keep their meaning. An empty text is asked for when it is needed. share is how many errors may
// be in it: what has no end takes nothing away from what was joined with it.
func contain(err error, text string, share int) error {
	if share < 1 {
		return nil
	}
	if known := guarded(func() error { return ours(err, share-1) }, nil); known != nil {
		return known
	}
	c := &contained{err: err, text: text, joined: isJoined(err)}
	all := guarded(func() []error { return unwrapped(err) }, nil)
	for _, inner := range all {
		if part := contain(inner, "", (share-1)/len(all)); part != nil {
			c.parts = append(c.parts, part)
		}
	}
	return c
}

// ours returns a copy of err that contains what it wraps, if it is of a type of this package.
func ours(err error, share int) error {
	inside := func(err error) error {
		if safe := contain(err, "", share); safe != nil {
			return safe
		}
		return errCut
	}
	switch e := err.(type) { //nolint:errorlint // this error itself
	case *contained:
		return e
	case *Error:
		return &Error{Op: e.Op, Kind: e.Kind, Key: e.Key, UID: e.UID, Err: inside(e.Err)}
	case *marked:
		return &marked{class: e.class, err: inside(e.err)}
	case *after:
		return &after{d: e.d, err: inside(e.err)}
	}
	return nil
}

// errCut stands for the rest of a chain that has no end.
var errCut = errors.New("…")

// contained is an error of other code. Its methods do not panic and return what they should.
type contained struct {
	err    error
	text   string // empty is that of err
	joined bool
	parts  []error // what err wraps, contained
}

func (c *contained) Error() string {
	if c.text != "" {
		return c.text
	}
	return cut(textOf(c.err), maxText)
}

// Unwrap returns what the error wraps.
func (c *contained) Unwrap() []error { return c.parts }

// Is answers for the error itself.
func (c *contained) Is(target error) bool {
	return guarded(func() bool {
		if reflect.TypeOf(c.err).Comparable() && c.err == target {
			return true
		}
		e, ok := c.err.(interface{ Is(target error) bool })
		return ok && e.Is(target)
	}, false)
}

// As answers for the error itself. A nil pointer is no error that could be used, and one that
// says yes and sets nothing is not believed.
func (c *contained) As(target any) bool {
	return guarded(func() bool {
		value := reflect.ValueOf(target).Elem()
		if reflect.TypeOf(c.err).AssignableTo(value.Type()) {
			value.Set(reflect.ValueOf(c.err))
			return !isNil(value)
		}
		e, ok := c.err.(interface{ As(target any) bool })
		return ok && e.As(target) && !isNil(value)
	}, false)
}

// isNil reports whether an error is nil, or an interface that has a nil pointer.
func isNil(value reflect.Value) bool {
	if value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	return !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
}
