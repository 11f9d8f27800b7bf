package kerr_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/kerr"
)

// wraps is an error that wraps what its function returns.
type wraps func() []error

func (wraps) Error() string     { return "wraps" }
func (w wraps) Unwrap() []error { return w() }

// itselfAgain wraps itself.
type itselfAgain struct{}

func (e *itselfAgain) Error() string { return "itself" }
func (e *itselfAgain) Unwrap() error { return e }

// liar says yes to whatever it is asked, and sets nothing.
type liar struct{}

func (liar) Error() string { return "liar" }
func (liar) As(any) bool   { return true }

// panics has a text that panics.
type panics struct{}

func (panics) Error() string { panic("in Error") }

// panicsAgain has a text that panics with what panics.
type panicsAgain struct{}

func (p panicsAgain) Error() string { panic(p) }

// unending are errors whose chain has no end, or is not worth to be followed to it.
func unending() map[string]error {
	var fresh, wide wraps
	fresh = func() []error { return []error{errors.Join(fresh)} }
	wide = func() []error { return []error{wide, wide} }
	return map[string]error{"itself": &itselfAgain{}, "fresh": fresh, "wide": wide}
}

// TestG12AChainWithoutAnEndIsCut, which would hang who walks it, or overflow the stack.
func TestG12AChainWithoutAnEndIsCut(t *testing.T) {
	for name, hostile := range unending() {
		t.Run(name, func(t *testing.T) {
			err := kerr.Contain(fmt.Errorf("in front: %w", errors.Join(hostile, kerr.Terminal(hostile))))
			require.ErrorContains(t, err, "in front: ")
			require.ErrorIs(t, err, kerr.ErrTerminal)
			require.NotErrorIs(t, err, context.Canceled)
			require.NotEqual(t, kerr.ClassPanic, kerr.ClassOf(err))
			_, named := kerr.RetryAfter(err)
			require.False(t, named)
		})
	}
}

// TestG12WhoseModuleHasNoDot: a module can be called myoperator, as packages of the standard
// library are. Kills: errors that are trusted for the name of their package.
func TestG12WhoseModuleHasNoDot(t *testing.T) {
	err := kerr.Contain(template.ExecError{}) // its Error dereferences nil
	require.EqualError(t, err, "the method Error of a template.ExecError panicked")
	require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err))
}

// TestG12AnErrorThatLiesIsNotBelieved: its As says yes and sets nothing.
func TestG12AnErrorThatLiesIsNotBelieved(t *testing.T) {
	err := kerr.Contain(errors.Join(liar{}, kerr.After(time.Minute, errors.New("x"))))
	_, ok := errors.AsType[*kerr.Error](err)
	require.False(t, ok)
	require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err))
	after, named := kerr.RetryAfter(err)
	require.True(t, named)
	require.Equal(t, time.Minute, after)
}

// TestG12ANilErrorOfOurs alone and among others.
func TestG12ANilErrorOfOurs(t *testing.T) {
	var none *kerr.Error
	for _, err := range []error{none, errors.Join(errors.New("x"), none), fmt.Errorf("y: %w", none), kerr.New(kerr.OpGet, kind, key, "", none)} {
		for _, err := range []error{err, kerr.Contain(err)} {
			require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err))
			require.False(t, kerr.WaitsForChange(err))
		}
		require.NotPanics(t, func() { _ = kerr.Contain(err).Error() })
	}
}

// TestG12APanicWithWhatPanics is text all the same.
func TestG12APanicWithWhatPanics(t *testing.T) {
	err := func() (err error) {
		defer func() { err = kerr.Recovered(recover()) }()
		panic(panicsAgain{})
	}()
	require.EqualError(t, err, "panic: a kerr_test.panicsAgain whose text panics")
	require.Equal(t, kerr.ClassPanic, kerr.ClassOf(err))
}

// TestG12AContainedTreeHasWhatItHad: values, types, marks and failures, at any depth.
func TestG12AContainedTreeHasWhatItHad(t *testing.T) {
	cause, other := wraps(func() []error { return nil }), errors.New("other")
	link := &url.Error{Op: "Get", URL: "/x", Err: panics{}}
	err := kerr.Contain(fmt.Errorf("a: %w", errors.Join(cause, fmt.Errorf("b: %w", link), kerr.After(time.Hour, other))))
	require.ErrorIs(t, err, other)
	found, ok := errors.AsType[*url.Error](err)
	require.True(t, ok)
	require.Same(t, link, found)
	_, ok = errors.AsType[wraps](err)
	require.True(t, ok, "a type that cannot be compared")
	require.False(t, kerr.WaitsForChange(err))
	after, _ := kerr.RetryAfter(err)
	require.Equal(t, time.Hour, after)
	require.True(t, kerr.WaitsForChange(kerr.Contain(errors.Join(kerr.Terminal(panics{}), kerr.Invalid(panics{})))), "all of them are")
}

// TestAnAfterAroundAMarkNamesATime, and a mark around an After says that there is none.
func TestAnAfterAroundAMarkNamesATime(t *testing.T) {
	for _, mark := range []func(error) error{kerr.Terminal, kerr.Invalid} {
		err := errors.New("x")
		require.True(t, kerr.WaitsForChange(mark(kerr.After(time.Minute, err))))
		require.False(t, kerr.WaitsForChange(kerr.After(time.Minute, mark(err))))
		require.False(t, kerr.WaitsForChange(fmt.Errorf("y: %w", kerr.After(time.Minute, errors.Join(mark(err), mark(err))))))
		require.False(t, kerr.WaitsForChange(errors.Join(mark(err), kerr.After(time.Minute, mark(err)))))
		require.False(t, kerr.WaitsForChange(kerr.Contain(kerr.After(time.Minute, mark(panics{})))))
	}
}
