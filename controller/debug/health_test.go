package debug_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/controller/debug"
)

type check struct{ err error }

func (c check) Ready() error   { return c.err }
func (c check) Healthy() error { return c.err }

// A probe is told what is wrong, a line for each thing, whatever the text of an error is.
func TestProbes(t *testing.T) {
	fine, bad := check{}, check{errors.Join(errors.New("first"), errors.New("second\r\x1b"))}
	for name, handler := range map[string]func(checks ...check) http.Handler{
		"readyz": func(checks ...check) http.Handler {
			var all []debug.Ready
			for _, c := range checks {
				all = append(all, c)
			}
			return debug.Readyz(all...)
		},
		"livez": func(checks ...check) http.Handler {
			var all []debug.Healthy
			for _, c := range checks {
				all = append(all, c)
			}
			return debug.Livez(all...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(handler(fine, fine), http.MethodGet, "/", "")
			require.Equal(t, http.StatusOK, answer.Code)
			require.Equal(t, "ok\n", answer.Body.String())
			answer = ask(handler(fine, bad, check{errors.New("third")}), http.MethodGet, "/", "")
			require.Equal(t, http.StatusServiceUnavailable, answer.Code)
			require.Equal(t, "first\nsecond\\r\\x1b\nthird\n", answer.Body.String())
			require.Equal(t, http.StatusOK, ask(handler(), http.MethodHead, "/", "").Code)
			require.Equal(t, http.StatusMethodNotAllowed, ask(handler(), http.MethodDelete, "/", "").Code)
		})
	}
}

// TestG13G18ProbesOfAController: ready when its caches are full, and not alive when all that it does is stuck.
func TestG13G18ProbesOfAController(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		ready, alive := debug.Readyz(w.c), debug.Livez(w.c)
		code := func(h http.Handler) int { return ask(h, http.MethodGet, "/", "").Code }
		require.Equal(t, 200, code(ready))
		w.create("shop", "a", "hang")
		time.Sleep(19 * time.Minute)
		require.Equal(t, 200, code(alive))
		time.Sleep(2 * time.Minute)
		answer := ask(alive, http.MethodGet, "/", "")
		require.Equal(t, 503, answer.Code)
		require.Contains(t, answer.Body.String(), "shop/a\n")
		require.Equal(t, 200, code(ready))
		time.Sleep(time.Hour)
		require.Equal(t, 200, code(alive))
		w.stop()
		require.Equal(t, 503, code(ready))
		require.Equal(t, 200, code(alive))
	})
}
