package credentials_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/internal/credentials"
)

// guard is a server that accepts one token, and notes what it was asked.
type guard struct {
	mu       sync.Mutex
	accepts  string
	asked    []string
	accepted int
}

func (g *guard) accept(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepts, g.asked, g.accepted = token, nil, 0
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		all, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		body = string(all)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.asked = append(g.asked, strings.TrimSpace(token+" "+body))
	code := http.StatusOK
	if token != g.accepts {
		code = http.StatusUnauthorized
	} else {
		g.accepted++
	}
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader("an answer")), Request: r, Header: http.Header{}}, nil
}

func (g *guard) saw() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// write replaces a file as a kubelet does, at once.
func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(name+".new", name))
}

// inBubble runs f in virtual time with a client whose token is in a file, at first "old".
func inBubble(t *testing.T, f func(t *testing.T, g *guard, name string, client *http.Client)) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	write(t, name, "old\n")
	synctest.Test(t, func(t *testing.T) {
		g := &guard{accepts: "old"}
		client := clientOf(t, &rest.Config{Host: "http://server", Transport: g, BearerTokenFile: name, BearerToken: "older"})
		f(t, g, name, client)
	})
}

func clientOf(t *testing.T, cfg *rest.Config) *http.Client {
	t.Helper()
	followed, err := credentials.Follow(cfg)
	require.NoError(t, err)
	client, err := rest.HTTPClientFor(followed)
	require.NoError(t, err)
	return client
}

// post sends a request and returns the code of its answer.
func post(t *testing.T, client *http.Client, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server", strings.NewReader(body))
	require.NoError(t, err)
	answer, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

func TestS9ARefusedRequestIsSentAgainWithTheNewToken(t *testing.T) {
	inBubble(t, func(t *testing.T, g *guard, name string, client *http.Client) {
		require.Equal(t, http.StatusOK, post(t, client, "1"))
		g.accept("new")
		write(t, name, "new\n")
		require.Equal(t, http.StatusOK, post(t, client, "2"), "whoever asks does not notice")
		require.Equal(t, http.StatusOK, post(t, client, "3"))
		require.Equal(t, []string{"old 2", "new 2", "new 3"}, g.saw(), "what was refused is sent once more, as it was")
	})
}

func TestS9ATokenThatComesLateIsUsedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, g *guard, name string, client *http.Client) {
		g.accept("new")
		begun := time.Now()
		for range 3 {
			require.Equal(t, http.StatusUnauthorized, post(t, client, "1"))
		}
		require.Equal(t, []string{"old 1", "old 1", "old 1"}, g.saw(), "the same token is not sent twice for a request")
		write(t, name, "new")
		require.Equal(t, http.StatusOK, post(t, client, "2"))
		require.Zero(t, time.Since(begun))
	})
}

func TestS9ATokenIsReplacedBeforeItIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, g *guard, name string, client *http.Client) {
		write(t, name, "new")
		require.Equal(t, http.StatusOK, post(t, client, "1"), "the old one is still good")
		time.Sleep(time.Minute)
		g.accept("new")
		require.Equal(t, http.StatusOK, post(t, client, "2"))
		require.Equal(t, []string{"new 2"}, g.saw(), "no request is refused for it")
	})
}

// TestS9WhatIsInTheFilesIsInNoError also shows that a file that is not there, or is being written, is an
// error with the status 401, which names the file, and that it ends when the file is there.
func TestS9WhatIsInTheFilesIsInNoError(t *testing.T) {
	inBubble(t, func(t *testing.T, g *guard, name string, client *http.Client) {
		g.accept("new")
		for _, spoil := range []func() error{
			func() error { return os.Remove(name) },
			func() error { return os.WriteFile(name, []byte("\n"), 0o600) },
		} {
			require.NoError(t, spoil())
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server", http.NoBody)
			require.NoError(t, err)
			_, err = client.Do(r) //nolint:bodyclose // there is none
			require.True(t, apierrors.IsUnauthorized(err), "%v", err)
			require.ErrorContains(t, err, name)
			require.NotContains(t, err.Error(), "old")
		}
		write(t, name, "new")
		require.Equal(t, http.StatusOK, post(t, client, "1"))

		require.NoError(t, os.Remove(name))
		time.Sleep(2 * time.Minute)
		require.Equal(t, http.StatusOK, post(t, client, "2"), "what is accepted is used, also if the file is gone")
	})
}

func TestS9ManyRequestsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, g *guard, name string, client *http.Client) {
		g.accept("new")
		write(t, name, "new")
		var all sync.WaitGroup
		for n := range 50 {
			all.Go(func() {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server", strings.NewReader(fmt.Sprint(n)))
				if err == nil {
					var answer *http.Response
					if answer, err = client.Do(r); err == nil {
						err = answer.Body.Close()
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		require.Equal(t, 50, g.accepted, "each has its effect once")
	})
}

// TestS9WhatCannotBeSentTwice: the body of a stream is gone, and another's credentials are not ours.
func TestS9WhatCannotBeSentTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, g *guard, name string, client *http.Client) {
		g.accept("new")
		write(t, name, "new")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server", io.MultiReader(strings.NewReader("1")))
		require.NoError(t, err)
		answer, err := client.Do(r)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, "an answer", string(text))
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, post(t, client, "2"), "the next one has the new token")

		r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer of-the-caller")
		answer, err = client.Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, []string{"old 1", "new 2", "of-the-caller"}, g.saw())
	})
}

func TestS9WhatIsLeftToClientGo(t *testing.T) {
	name := filepath.Join(t.TempDir(), "missing")
	for _, cfg := range []*rest.Config{
		{Host: "http://server"},
		{Host: "http://server", BearerToken: "fixed"},
		{Host: "http://server", Username: "me", Password: "mine", BearerTokenFile: name},
	} {
		followed, err := credentials.Follow(cfg)
		require.NoError(t, err)
		require.NotSame(t, cfg, followed)
		require.Equal(t, cfg, followed)
	}
	_, err := credentials.Follow(&rest.Config{Host: "http://server", BearerTokenFile: name})
	require.ErrorContains(t, err, name)

	g := &guard{accepts: "fixed"}
	client := clientOf(t, &rest.Config{Host: "http://server", Transport: g, BearerTokenFile: name, BearerToken: "fixed"})
	require.Equal(t, http.StatusOK, post(t, client, "1"), "as with client-go, a token does without its file")
}
