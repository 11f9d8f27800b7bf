package fence

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/kerr"
)

// A fence is open for its time after each renewal, counted from when that was sent, and then closed
// for good.
func TestG2AFenceClosesItsTimeAfterTheLastRenewalWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New("ns/me", 10*time.Second)
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(f.Check()))
		require.NoError(t, f.Lost(), "it was not open yet")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer f.OnClose(cancel)()
		sent := time.Now()
		time.Sleep(3 * time.Second) // until the answer
		f.Renew(sent)
		time.Sleep(6 * time.Second)
		require.NoError(t, f.Check())
		f.Renew(time.Now())
		f.Renew(sent) // one that was late
		time.Sleep(9999 * time.Millisecond)
		synctest.Wait()
		require.NoError(t, f.Check())
		require.NoError(t, ctx.Err())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(context.Cause(ctx)), "the work under it ends")
		require.ErrorContains(t, context.Cause(ctx), "lease ns/me: it has not been renewed for 10s")
		require.Error(t, f.Check())
		f.Renew(time.Now())
		require.Error(t, f.Check(), "a term that is over does not come back")
	})
}

// After a pause of the process the request that was about to be sent may run before the timer.
func TestG2AFenceDoesNotRelyOnItsTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New("ns/me", 10*time.Second)
		f.Renew(time.Now())
		f.timer.Stop()
		time.Sleep(time.Minute)
		_, leave, err := f.Enter(t.Context())
		leave()
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(err))
		require.True(t, Refused(err))
		synctest.Wait()
		require.Error(t, f.Lost(), "the work is told, too")
	})
}

// A request whose ctx was made not to end is cut off all the same.
func TestG2ARequestEndsWithTheFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New("ns/me", 10*time.Second)
		f.Renew(time.Now())
		ctx, leave, err := Enter(context.WithoutCancel(With(t.Context(), f)))
		defer leave()
		require.NoError(t, err)
		<-ctx.Done()
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(context.Cause(ctx)))
		require.False(t, Refused(context.Cause(ctx)), "it may have been delivered")
		require.Equal(t, 10*time.Second, time.Since(f.Until().Add(-10*time.Second)))
	})
}

func TestWithoutAFenceEverythingIsSent(t *testing.T) {
	require.NoError(t, Check(t.Context()))
	ctx, leave, err := Enter(t.Context())
	leave()
	require.NoError(t, err)
	require.Equal(t, t.Context(), ctx)
	OnClose(t.Context(), nil)()
}

// sent is a server.
type sent struct{ methods []string }

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.methods = append(s.methods, r.Method)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}"))}, r.Context().Err()
}

func TestG2TheTransportRefusesWhatChangesSomething(t *testing.T) {
	var f *Fence
	s := &sent{}
	rt := Wrap(s, func(context.Context) *Fence { return f })
	require.Same(t, s, rt.WrappedRoundTripper())
	ask := func(method string) error {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://server/", http.NoBody)
		require.NoError(t, err)
		answer, err := rt.RoundTrip(r)
		if err != nil {
			return err
		}
		_, err = io.ReadAll(answer.Body)
		return errors.Join(err, answer.Body.Close())
	}
	writes := []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	for _, method := range writes {
		require.NoError(t, ask(method), "there is no fence")
	}
	f = New("ns/me", time.Minute)
	for _, method := range writes {
		require.True(t, Refused(ask(method)), "it was never open")
	}
	f.Renew(time.Now())
	for _, method := range writes {
		require.NoError(t, ask(method))
	}
	f.Close(ErrReleased)
	s.methods = nil
	for _, method := range writes {
		require.True(t, Refused(ask(method)))
	}
	require.Empty(t, s.methods)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		require.NoError(t, ask(method), "reads are not refused")
	}
}

// stopped is a transport whose process is stopped between the first look at the fence and the last
// bytes of the request.
type stopped struct {
	f    *Fence
	sent []byte
}

func (s *stopped) RoundTrip(r *http.Request) (*http.Response, error) {
	s.f.Close(errors.New("a minute has passed"))
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	for _, b := range []io.Reader{r.Body, body} {
		sent, err := io.ReadAll(b)
		s.sent = append(s.sent, sent...)
		if err == nil {
			return nil, errors.New("it was sent")
		}
	}
	return nil, s.f.Lost()
}

func TestG2ARequestIsNotCompletedAfterAPause(t *testing.T) {
	f := New("ns/me", time.Minute)
	f.Renew(time.Now())
	s := &stopped{f: f}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server/", strings.NewReader("{}"))
	require.NoError(t, err)
	_, err = Wrap(s, func(context.Context) *Fence { return f }).RoundTrip(r) //nolint:bodyclose // there is no answer
	require.ErrorContains(t, err, "a minute has passed")
	require.Empty(t, s.sent)
}
