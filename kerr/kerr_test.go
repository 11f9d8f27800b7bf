package kerr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kuberator/kuberator/kerr"
)

var (
	kind     = schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Bucket"}
	resource = schema.GroupResource{Group: "example.com", Resource: "buckets"}
	key      = types.NamespacedName{Namespace: "ns", Name: "name"}
)

func TestG16ClassOf(t *testing.T) {
	cause := errors.New("cause")
	answer := func(code int, message string, unexpected bool) error {
		return apierrors.NewGenericServerResponse(code, "patch", resource, "name", message, 0, unexpected)
	}
	for name, c := range map[string]struct {
		err  error
		want kerr.Class
	}{
		"unknown":               {cause, kerr.ClassTransient},
		"conflict":              {apierrors.NewConflict(resource, "name", cause), kerr.ClassConflict},
		"a manager's field":     {apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict}}, "x"), kerr.ClassFieldManagerConflict},
		"already exists":        {apierrors.NewAlreadyExists(resource, "name"), kerr.ClassAlreadyExists},
		"too many requests":     {apierrors.NewTooManyRequests("later", 3), kerr.ClassThrottled},
		"not found":             {apierrors.NewNotFound(resource, "name"), kerr.ClassNotFound},
		"404 page not found":    {answer(http.StatusNotFound, "404 page not found", true), kerr.ClassTransient},
		"expired":               {apierrors.NewResourceExpired("too old"), kerr.ClassTransient},
		"unauthorised":          {apierrors.NewUnauthorized("expired"), kerr.ClassForbidden},
		"forbidden":             {apierrors.NewForbidden(resource, "name", cause), kerr.ClassForbidden},
		"invalid":               {apierrors.NewInvalid(kind.GroupKind(), "name", nil), kerr.ClassInvalid},
		"bad request":           {apierrors.NewBadRequest("no"), kerr.ClassInvalid},
		"413":                   {apierrors.NewRequestEntityTooLargeError("3 MiB"), kerr.ClassTooLarge},
		"etcd's limit":          {answer(http.StatusInternalServerError, "etcdserver: request is too large", false), kerr.ClassTooLarge},
		"internal error":        {apierrors.NewInternalError(cause), kerr.ClassAmbiguous},
		"timeout of the server": {apierrors.NewTimeoutError("slow", 1), kerr.ClassAmbiguous},
		"unavailable":           {apierrors.NewServiceUnavailable("no etcd"), kerr.ClassAmbiguous},
		"EOF":                   {&url.Error{Op: "Patch", Err: io.EOF}, kerr.ClassAmbiguous},
		"cut off":               {io.ErrUnexpectedEOF, kerr.ClassAmbiguous},
		"reset":                 {syscall.ECONNRESET, kerr.ClassAmbiguous},
		"network timeout":       {&url.Error{Op: "Patch", Err: os.ErrDeadlineExceeded}, kerr.ClassAmbiguous},
		"refused":               {&url.Error{Op: "Patch", Err: syscall.ECONNREFUSED}, kerr.ClassTransient},
		"deadline":              {context.DeadlineExceeded, kerr.ClassTimeout},
		"terminal":              {kerr.Terminal(cause), kerr.ClassTerminal},
		"invalid input":         {kerr.Invalid(cause), kerr.ClassInvalid},
		"a mark wins":           {kerr.Terminal(apierrors.NewServiceUnavailable("x")), kerr.ClassTerminal},
		"unnamed":               {kerr.ErrUnnamed, kerr.ClassTerminal},
		"panic":                 {kerr.Recovered("boom"), kerr.ClassPanic},
		"panic with an error":   {kerr.Recovered(cause), kerr.ClassPanic},
		"shutdown":              {&kerr.ShutdownTimeout{}, kerr.ClassTimeout},
		"a read is sure":        {kerr.New(kerr.OpGet, kind, key, "", io.EOF), kerr.ClassTransient},
		"a write is not":        {kerr.New(kerr.OpPatch, kind, key, "", io.EOF), kerr.ClassAmbiguous},
		"a read in a step":      {kerr.New(kerr.OpApply, kind, key, "", kerr.New(kerr.OpGet, kind, key, "", io.EOF)), kerr.ClassTransient},
		"after keeps the class": {kerr.After(time.Second, apierrors.NewConflict(resource, "name", cause)), kerr.ClassConflict},
		"one of two names":      {fmt.Errorf("%w: %w", cause, apierrors.NewNotFound(resource, "name")), kerr.ClassNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, kerr.ClassOf(c.err))
			wrapped := kerr.New(kerr.OpApply, kind, key, "uid", fmt.Errorf("step: %w", c.err))
			require.Equal(t, c.want, kerr.ClassOf(wrapped), "wrapping keeps the class")
			step, ok := errors.AsType[*kerr.Error](wrapped)
			require.True(t, ok)
			require.Equal(t, c.want, step.Class())
			require.ErrorIs(t, wrapped, c.err)
		})
	}
}

func TestClassNames(t *testing.T) {
	require.Equal(t, "Transient", kerr.ClassTransient.String())
	require.Equal(t, "Undecodable", kerr.ClassUndecodable.String())
	require.Equal(t, "Class(99)", kerr.Class(99).String())
}

func TestMarks(t *testing.T) {
	cause := errors.New("cause")
	require.NoError(t, kerr.Terminal(nil))
	require.NoError(t, kerr.Invalid(nil))
	require.NoError(t, kerr.After(time.Second, nil))
	require.NoError(t, kerr.New(kerr.OpApply, kind, key, "", nil))
	require.NoError(t, kerr.Bounded(nil, 10))

	require.ErrorIs(t, kerr.Terminal(cause), kerr.ErrTerminal)
	require.NotErrorIs(t, kerr.Terminal(cause), kerr.ErrInvalid)
	require.ErrorIs(t, kerr.Invalid(cause), kerr.ErrInvalid)
	require.ErrorIs(t, kerr.Invalid(cause), cause)
	require.EqualError(t, kerr.Terminal(cause), "cause")
}

func TestWaitsForChange(t *testing.T) {
	for err, want := range map[error]bool{
		kerr.Terminal(io.EOF): true, kerr.Invalid(io.EOF): true, kerr.ErrUnnamed: true,
		apierrors.NewRequestEntityTooLargeError("x"): true, kerr.Mark(kerr.ClassUndecodable, io.EOF): false,
		apierrors.NewInvalid(kind.GroupKind(), "name", nil): false, // a webhook may change its mind
		apierrors.NewForbidden(resource, "name", io.EOF):    false, // a role may be granted
		apierrors.NewUnauthorized("x"):                      false,
		io.EOF:                                              false,
	} {
		require.Equal(t, want, kerr.WaitsForChange(err), "%v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	for err, want := range map[error]time.Duration{
		kerr.After(3*time.Second, io.EOF):                             3 * time.Second,
		kerr.After(-1, io.EOF):                                        0,
		apierrors.NewTooManyRequests("x", 7):                          7 * time.Second,
		kerr.After(time.Minute, apierrors.NewTooManyRequests("x", 7)): time.Minute,
		fmt.Errorf("list: %w", apierrors.NewTooManyRequests("x", 2)):  2 * time.Second,
	} {
		got, ok := kerr.RetryAfter(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, want, got, "%v", err)
	}
	for _, err := range []error{nil, io.EOF, apierrors.NewTooManyRequests("x", 0), apierrors.NewServerTimeout(resource, "get", 0)} {
		_, ok := kerr.RetryAfter(err)
		require.False(t, ok, "%v", err)
	}
}

// TestG16OfJoinedFailuresNoneIsForgotten: what decides is the one that is to be tried
// again. Kills: the first failure decides; an errors.Join, an Aggregate or a join within a join is not looked into.
func TestG16OfJoinedFailuresNoneIsForgotten(t *testing.T) {
	var (
		lost     = errors.New("the bucket's API is down")
		final    = kerr.Invalid(errors.New("no such region"))
		large    = apierrors.NewRequestEntityTooLargeError("x")
		conflict = apierrors.NewConflict(resource, "name", io.EOF)
		gone     = apierrors.NewNotFound(resource, "name")
		busy     = apierrors.NewTooManyRequests("x", 30)
		step     = func(err error) error { return kerr.New(kerr.OpApply, kind, key, "u", fmt.Errorf("all: %w", err)) }
	)
	for _, c := range []struct {
		err   error
		class kerr.Class
		waits bool
		after time.Duration
	}{
		{errors.Join(final, lost), kerr.ClassTransient, false, 0},
		{errors.Join(final, conflict), kerr.ClassConflict, false, 0},
		{errors.Join(conflict, gone, lost), kerr.ClassTransient, false, 0},
		{errors.Join(large, gone), kerr.ClassNotFound, false, 0},
		{errors.Join(final, large), kerr.ClassInvalid, true, 0},
		{errors.Join(nil, final), kerr.ClassInvalid, true, 0},
		{errors.Join(conflict, errors.Join(large, fmt.Errorf("step: %w", errors.Join(final, lost)))), kerr.ClassTransient, false, 0},
		{utilerrors.NewAggregate([]error{final, lost}), kerr.ClassTransient, false, 0},
		{utilerrors.NewAggregate([]error{large, final}), kerr.ClassTooLarge, true, 0},
		{errors.Join(kerr.New(kerr.OpGet, kind, key, "", io.EOF), final), kerr.ClassTransient, false, 0},
		{errors.Join(kerr.After(time.Second, lost), busy), kerr.ClassTransient, false, 30 * time.Second},
		{errors.Join(kerr.After(time.Minute, lost), busy), kerr.ClassTransient, false, time.Minute},
		{kerr.After(time.Second, errors.Join(busy, lost)), kerr.ClassThrottled, false, time.Second},
		{kerr.Terminal(errors.Join(lost, conflict)), kerr.ClassTerminal, true, 0},
		{fmt.Errorf("%w: %w", lost, final), kerr.ClassInvalid, true, 0},
	} {
		for _, err := range []error{c.err, step(c.err)} {
			require.Equal(t, c.class, kerr.ClassOf(err), "%v", err)
			require.Equal(t, c.waits, kerr.WaitsForChange(err), "%v", err)
			after, _ := kerr.RetryAfter(err)
			require.Equal(t, c.after, after, "%v", err)
		}
	}
}

func TestErrorNamesTheObjectOnce(t *testing.T) {
	inner := kerr.New(kerr.OpPatchStatus, kind, key, "u", io.EOF)
	require.EqualError(t, kerr.New(kerr.OpApply, kind, key, "u", inner), "apply Bucket ns/name: patch status: EOF")
	require.Same(t, inner, kerr.New(kerr.OpPatchStatus, kind, key, "u", inner), "the same step wraps once")

	child := kerr.New(kerr.OpCreate, schema.GroupVersionKind{Kind: "Node"}, types.NamespacedName{Name: "n1"}, "", io.EOF)
	require.EqualError(t, kerr.New(kerr.OpApply, kind, key, "u", child), "apply Bucket ns/name: create Node n1: EOF")
	require.EqualError(t, &kerr.Error{Op: kerr.OpSync, Kind: kind}, "sync Bucket")
}

func TestG12Recovered(t *testing.T) {
	cause := errors.New("cause")
	err := func() (err error) {
		defer func() { err = kerr.Recovered(recover()) }()
		panic(cause)
	}()
	require.ErrorIs(t, err, cause)
	p, ok := errors.AsType[*kerr.PanicError](err)
	require.True(t, ok)
	require.Contains(t, p.Stack, "TestG12Recovered")
	require.EqualError(t, err, "panic: cause")

	p, _ = errors.AsType[*kerr.PanicError](kerr.Recovered(strings.Repeat("x\n", 5000)))
	require.LessOrEqual(t, len(p.Value), kerr.MaxLog)
	require.LessOrEqual(t, len(p.Stack), 8<<10)
	require.ErrorContains(t, kerr.Recovered(nil), "runtime.Goexit")
}

func TestShutdownTimeout(t *testing.T) {
	keys := make([]types.NamespacedName, 12)
	err := &kerr.ShutdownTimeout{Keys: keys, Abandoned: []types.NamespacedName{key}}
	require.ErrorContains(t, err, "12 reconcile(s)")
	require.ErrorContains(t, err, "and 2 more")
	require.ErrorContains(t, err, "ns/name")
}

func TestS3S4Text(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, ünïcödé": "plain text, ünïcödé",
		"a\nb\r\tc":           `a\nb\r\tc`,
		"\x1b[31mred":         `\x1b[31mred`,
		"c1 \u0085 \u009b":    `c1 \x85 \x9b`,
		"bidi \u202e\u2066":   `bidi \u202e\u2066`,
		"lines \u2028\u2029":  `lines \u2028\u2029`,
		"bad \xff utf8":       `bad \xff utf8`,
		"nul \x00 del \x7f":   `nul \x00 del \x7f`,
	} {
		require.Equal(t, want, kerr.Text(in, 100))
	}
	require.Equal(t, "aaaa…", kerr.Text("aaaaaaaaaa", 7))
	require.Empty(t, kerr.Text("aaaa", 2), "no room for anything")
	require.EqualError(t, kerr.Bounded(errors.New("a\nb"), 100), `a\nb`)
}

func FuzzS3S4Text(f *testing.F) {
	f.Add("a\nb\x1b", 5)
	f.Add("\u202e\xff…", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 0), 1<<16)
		got := kerr.Text(s, limit)
		require.LessOrEqual(t, len(got), limit)
		require.True(t, utf8.ValidString(got))
		require.False(t, strings.ContainsFunc(got, func(r rune) bool {
			return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r == '\u2028'
		}), "%q", got)
	})
}

func ExampleError() {
	err := kerr.New(kerr.OpApply, kind, key, "7d4c", apierrors.NewForbidden(resource, "name", errors.New("no role allows it")))
	fmt.Println(err)
	if step, ok := errors.AsType[*kerr.Error](err); ok {
		fmt.Println(step.Op, step.Key, step.Class())
	}
	fmt.Println(apierrors.IsForbidden(err))
	// Output:
	// apply Bucket ns/name: buckets.example.com "name" is forbidden: no role allows it
	// apply ns/name Forbidden
	// true
}

func ExampleInvalid() {
	err := kerr.Invalid(errors.New("spec.size: must not be negative"))
	fmt.Println(err, errors.Is(err, kerr.ErrInvalid), kerr.WaitsForChange(err))
	// Output: spec.size: must not be negative true true
}
