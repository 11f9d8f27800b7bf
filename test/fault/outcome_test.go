package fault_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/fault"
)

func TestRefusals(t *testing.T) {
	teapot := metav1.Status{Code: http.StatusTeapot, Reason: "Teapot", Message: "short and stout"}
	for _, c := range []struct {
		outcome fault.Outcome
		is      func(error) bool
		code    int32
		message string
	}{
		{fault.Conflict(), apierrors.IsConflict, 409, `Operation cannot be fulfilled on configmaps "a": the object has been modified`},
		{fault.TooManyRequests(0), apierrors.IsTooManyRequests, 429, "too many requests"},
		{fault.InternalError(), apierrors.IsInternalError, 500, "Internal error occurred: injected fault"},
		{fault.Unavailable(0), apierrors.IsServiceUnavailable, 503, "currently unable"},
		{fault.Timeout(), apierrors.IsTimeout, 504, "Timeout: "},
		{fault.Forbidden(), apierrors.IsForbidden, 403, `configmaps "a" is forbidden: the user cannot patch resource "configmaps" in API group ""`},
		{fault.Answer(teapot), func(err error) bool { return apierrors.ReasonForError(err) == "Teapot" }, http.StatusTeapot, "short and stout"},
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			simulated(t, func(t *testing.T, w *world) {
				w.create(t, "a")
				began := time.Now()
				client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Nth(1).Then(c.outcome)))
				err := w.patch(t.Context(), client, "a", "1")
				require.True(t, c.is(err), "%#v", err)
				var status apierrors.APIStatus
				require.ErrorAs(t, err, &status)
				require.Equal(t, c.code, status.Status().Code)
				require.Equal(t, metav1.StatusFailure, status.Status().Status)
				require.ErrorContains(t, err, c.message)
				require.Zero(t, time.Since(began), "it is not repeated")
				require.Empty(t, w.value(t, "a"))
				require.NoError(t, w.patch(t.Context(), client, "a", "2"))
			})
		})
	}
}

func TestDetailsOfRefusals(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		client := w.client(t, fault.For(t, fault.On("get", "deployments.apps").Then(fault.Conflict())))
		_, err := client.AppsV1().Deployments(w.namespace).Get(t.Context(), "d", metav1.GetOptions{})
		var status apierrors.APIStatus
		require.ErrorAs(t, err, &status)
		require.Equal(t, &metav1.StatusDetails{Name: "d", Group: "apps", Kind: "deployments"}, status.Status().Details)
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	for name, outcome := range map[string]fault.Outcome{
		"429": fault.TooManyRequests(1500 * time.Millisecond), "503": fault.Unavailable(2 * time.Second),
		"any": fault.Answer(metav1.Status{Code: 500, Details: &metav1.StatusDetails{RetryAfterSeconds: 2}}),
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, w *world) {
				w.create(t, "a")
				began := time.Now()
				client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Times(3).Then(outcome)))
				require.NoError(t, w.patch(t.Context(), client, "a", "1"))
				require.Equal(t, 6*time.Second, time.Since(began), "client-go repeats it after two seconds, three times")
			})
		})
	}
}

func TestHangingRequestsEndWithTheirContext(t *testing.T) {
	for name, c := range map[string]struct {
		outcome fault.Outcome
		want    string
	}{
		"drop": {fault.Drop(), ""}, "commit": {fault.CommitThenHang(), "1"},
		"delay": {fault.Delay(time.Hour), ""}, "late answer": {fault.DelayAnswer(time.Hour), "1"},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, w *world) {
				w.create(t, "a")
				client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Then(c.outcome)))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				require.ErrorIs(t, w.patch(ctx, client, "a", "1"), context.DeadlineExceeded)
				require.Equal(t, time.Minute, time.Since(began))
				require.Equal(t, c.want, w.value(t, "a"))
			})
		})
	}
}

func TestTheClientsOwnTimeoutEndsThemToo(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.create(t, "a")
		w.cfg.Timeout = time.Minute
		client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Then(fault.Drop())))
		began := time.Now()
		require.ErrorIs(t, w.patch(t.Context(), client, "a", "1"), context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
	})
}

func TestDelays(t *testing.T) {
	for name, c := range map[string]struct {
		outcome fault.Outcome
		before  string // the value before the time is over
	}{"before": {fault.Delay(time.Minute), ""}, "after": {fault.DelayAnswer(time.Minute), "1"}} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, w *world) {
				w.create(t, "a")
				client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Then(c.outcome)))
				began, done := time.Now(), make(chan error)
				go func() { done <- w.patch(t.Context(), client, "a", "1") }()
				synctest.Wait()
				require.Equal(t, c.before, w.value(t, "a"))
				require.NoError(t, <-done)
				require.Equal(t, time.Minute, time.Since(began))
				require.Equal(t, "1", w.value(t, "a"))
			})
		})
	}
}

func TestCallsHappenAtTheirMoment(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.create(t, "a")
		var seen []string
		look := func() { seen = append(seen, w.value(t, "a")) }
		client := w.client(t, fault.For(t,
			fault.On("patch", "configmaps").Nth(1).Then(fault.Call(look)),
			fault.On("patch", "configmaps").Nth(2).Then(fault.CallAfter(look)),
			fault.On("patch", "configmaps").Nth(3).Then(fault.Call(look), fault.Delay(time.Hour), fault.CallAfter(look), fault.Conflict())))
		require.NoError(t, w.patch(t.Context(), client, "a", "1"))
		require.Equal(t, []string{""}, seen)
		require.NoError(t, w.patch(t.Context(), client, "a", "2"))
		require.Equal(t, []string{"", "2"}, seen)
		began := time.Now()
		require.True(t, apierrors.IsConflict(w.patch(t.Context(), client, "a", "3")))
		require.Equal(t, []string{"", "2", "2", "2"}, seen)
		require.Equal(t, time.Hour, time.Since(began))
	})
}

func TestTornAnswers(t *testing.T) {
	for name, bytes := range map[string]int64{"at once": 0, "somewhere": 5, "at the end": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, w *world) {
				w.create(t, "a")
				client := w.client(t, fault.For(t, fault.On("list", "configmaps").Nth(1).Then(fault.TearAnswer(bytes))))
				list := func() (string, error) {
					body, err := client.CoreV1().RESTClient().Get().Namespace(w.namespace).Resource("configmaps").Stream(t.Context())
					require.NoError(t, err)
					data, err := io.ReadAll(body)
					require.NoError(t, body.Close())
					return string(data), err
				}
				torn, err := list()
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				whole, err := list()
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(whole, torn))
				require.Len(t, torn, int(min(bytes, int64(len(whole)))))
			})
		})
	}
}

func TestWhatTheServerRefusesStaysRefused(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Nth(1).Then(fault.CommitThenEOF())))
		require.ErrorIs(t, w.patch(t.Context(), client, "a", "1"), io.ErrUnexpectedEOF)
		require.True(t, apierrors.IsNotFound(w.patch(t.Context(), client, "a", "1")))
	})
}

func TestReadsWhoseAnswerIsLostAreRepeatedByTheClient(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.create(t, "a")
		injector := fault.For(t, fault.On("get", "configmaps").Times(2).Then(fault.CommitThenEOF()))
		_, err := w.client(t, injector).CoreV1().ConfigMaps(w.namespace).Get(t.Context(), "a", metav1.GetOptions{})
		require.NoError(t, err)
		require.Len(t, injector.Log(), 2)
	})
}

func TestAnAnswerThatNeverCameIsNotLost(t *testing.T) {
	for name, outcome := range map[string]fault.Outcome{
		"EOF": fault.CommitThenEOF(), "hang": fault.CommitThenHang(), "late": fault.DelayAnswer(time.Hour), "torn": fault.TearAnswer(5), "call": fault.CallAfter(func() {}),
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, w *world) {
				client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Then(outcome, fault.NotSent())))
				began := time.Now()
				require.ErrorIs(t, w.patch(t.Context(), client, "a", "1"), syscall.ECONNREFUSED)
				require.Zero(t, time.Since(began))
			})
		})
	}
}
