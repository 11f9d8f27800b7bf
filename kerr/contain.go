package kerr

import (
	"errors"
	"reflect"
	"strings"
)

// maxText bounds the text of an error that comes from other code, in bytes. Attempts, logs
// and hooks carry it.
const maxText = 16 << 10

// Contain returns err in a form that can do no harm: none of its methods panics, and its text, as
// of now, is at most 16 KiB. [errors.Is] and [errors.As] reach what they reached in err. Call it
// where code of others returned an error. Contain(nil) is nil.
//
// It exists because nil pointers of error types, methods that panic, and errors as long as what a
// tenant wrote into an object do happen.
func Contain(err error) (safe error) {
	if err == nil {
		return nil
	}
	text := guarded(func() string { return err.Error() }, "the method Error of a "+reflect.TypeOf(err).String()+" panicked")
	if len(text) <= maxText && guarded(func() bool { return harmless(err) }, false) {
		return err
	}
	switch e := err.(type) { //nolint:errorlint // the outermost ones that are ours stay as they are
	case *Error:
		return &Error{Op: e.Op, Kind: e.Kind, Key: e.Key, UID: e.UID, Err: Contain(e.Err)}
	case *marked:
		return &marked{class: e.class, err: Contain(e.err)}
	case *after:
		return &after{d: e.d, err: Contain(e.err)}
	}
	return &contained{err: err, text: cut(text, maxText)}
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

// harmless reports whether err and all errors in its chain are of types that are known: those
// of this module, of the standard library and of apimachinery.
func harmless(err error) bool {
	kind := reflect.TypeOf(err)
	if kind.Kind() == reflect.Pointer {
		if reflect.ValueOf(err).IsNil() {
			return false
		}
		kind = kind.Elem()
	}
	path := kind.PkgPath()
	first, _, _ := strings.Cut(path, "/")
	if strings.Contains(first, ".") && !strings.HasPrefix(path, "k8s.io/apimachinery/") && path != reflect.TypeFor[Error]().PkgPath() || path == "" || path == "main" {
		return false
	}
	switch e := err.(type) { //nolint:errorlint // the tree is walked node by node
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		return inner == nil || harmless(inner)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if inner != nil && !harmless(inner) {
				return false
			}
		}
	case interface{ Errors() []error }:
		for _, inner := range e.Errors() {
			if inner != nil && !harmless(inner) {
				return false
			}
		}
	}
	return true
}

// contained is an error of other code. It has no Unwrap: walking on would call its methods.
type contained struct {
	err  error
	text string
}

func (c *contained) Error() string { return c.text }

// Is answers for the whole chain.
func (c *contained) Is(target error) bool {
	return guarded(func() bool { return errors.Is(c.err, target) }, false)
}

// As answers for the whole chain.
func (c *contained) As(target any) bool {
	return guarded(func() bool { return errors.As(c.err, target) }, false)
}

// parts returns the failures that were joined in it, each of them contained.
func (c *contained) parts() []error {
	all := guarded(func() []error { return failures(c.err) }, nil)
	if len(all) < 2 {
		return []error{c}
	}
	for i, part := range all {
		all[i] = Contain(part)
	}
	return all
}
