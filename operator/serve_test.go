package operator

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/sim"
)

func get(h http.Handler, path, from, host, token string) int {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = from, host
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// Kills: a page that anybody in the cluster, or a page of the Web in the browser of somebody with an open
// port-forward, can read.
func TestS6ThePageIsForTheSamePodOnly(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{
		silent("--health-addr=:8081"),
		silent("--metrics-addr=:8080", "--metrics-secure=false"),
		silent("--health-addr=:8080", "--metrics-addr=:8080", "--metrics-secure=false"),
	} {
		all, err := w.make(t, applying(nothing), args...).servers()
		require.NoError(t, err)
		require.Len(t, all, 1)
		h := all[0].mux
		require.Equal(t, http.StatusOK, get(h, PagePath, "127.0.0.1:4000", "localhost:8081", ""))
		require.Equal(t, http.StatusOK, get(h, PagePath, "[::1]:4000", "127.0.0.1", ""))
		require.Equal(t, http.StatusForbidden, get(h, PagePath, "10.0.0.7:4000", "10.0.0.1:8081", ""))
		require.Equal(t, http.StatusForbidden, get(h, PagePath, "10.0.0.7:4000", "localhost:8081", ""))
		require.Equal(t, http.StatusForbidden, get(h, PagePath, "127.0.0.1:4000", "rebound.example.com:8081", ""))
		require.Equal(t, http.StatusForbidden, get(h, PagePath, "127.0.0.6:4000", "localhost:8081", ""), "a proxy in the Pod, for somebody else")
		require.Equal(t, http.StatusNotFound, get(h, "/debug/pprof/", "127.0.0.1:4000", "localhost", ""))
	}
}

// Kills: probes that need a token, which the kubelet has not; a readiness probe that is always good.
func TestG13ProbesAreForEverybody(t *testing.T) {
	w := newWorld(t)
	all, err := w.make(t, applying(nothing), silent("--health-addr=:8081", "--metrics-addr=:8443")...).servers()
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Nil(t, all[1].secure)
	h := all[1].mux
	require.Equal(t, http.StatusServiceUnavailable, get(h, "/readyz", "10.0.0.7:4000", "10.0.0.1", ""), "its caches are not full")
	require.Equal(t, http.StatusOK, get(h, "/livez", "10.0.0.7:4000", "10.0.0.1", ""))
	require.Equal(t, http.StatusNotFound, get(h, "/metrics", "127.0.0.1:4000", "localhost", ""))
	require.Equal(t, http.StatusUnauthorized, get(all[0].mux, "/metrics", "127.0.0.1:4000", "localhost", ""))
	require.Equal(t, http.StatusUnauthorized, get(all[0].mux, PagePath, "127.0.0.1:4000", "localhost", ""))
}

// Kills: a request that changes something, by the name of its method, and is answered as a scrape is.
func TestS6OnlyReadingIsAllowed(t *testing.T) {
	w := newWorld(t)
	all, err := w.make(t, applying(nothing), silent("--health-addr=:8081", "--metrics-addr=:8443")...).servers()
	require.NoError(t, err)
	for i, paths := range [][]string{{"/metrics", PagePath}, {"/readyz", "/livez", PagePath}} {
		for _, path := range paths {
			answer := httptest.NewRecorder()
			all[i].mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, nil))
			require.Equal(t, http.StatusMethodNotAllowed, answer.Code, path)
			require.Equal(t, "GET, HEAD", answer.Header().Get("Allow"))
		}
	}
}

// Kills: a socket that is opened though no flag asks for it.
func TestS6NothingListensByItself(t *testing.T) {
	w := newWorld(t)
	all, err := w.make(t, applying(nothing), silent()...).servers()
	require.NoError(t, err)
	require.Empty(t, all)
}

const reader = `
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}, rules: [{nonResourceURLs: [/metrics], verbs: [get]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: reader},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}, subjects: [{kind: User, name: prometheus}]}
`

// Kills: metrics that are served to who has no token, one that the API server does not know, or one whose
// user may not; a right for one path that is good for another.
func TestS6TheAPIServerSaysWhoReadsTheMetrics(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, cluster.ApplyYAML(t.Context(), w.srv.Config(), []byte(reader)))
	all, err := w.make(t, applying(nothing), silent("--metrics-addr=:8443")...).servers()
	require.NoError(t, err)
	require.NotNil(t, all[0].secure)
	h := all[0].mux
	from := func(path, token string) int { return get(h, path, "10.0.0.7:4000", "10.0.0.1", token) }
	require.Equal(t, http.StatusUnauthorized, from("/metrics", ""))
	require.Equal(t, http.StatusUnauthorized, from("/metrics", "made up"))
	require.Equal(t, http.StatusForbidden, from("/metrics", w.srv.Token("jane")))
	prometheus := w.srv.Token("prometheus")
	require.Equal(t, http.StatusOK, from("/metrics", prometheus))
	require.Equal(t, http.StatusForbidden, from(PagePath, prometheus))
	require.Equal(t, http.StatusOK, from(PagePath, w.srv.Token("admin", "system:masters")))
}

// Kills: an API server that is asked at each scrape; a right that is good for ever after it was taken away, or
// that has no effect for minutes after it was granted.
func TestS6AnswersAreKeptForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")})
		require.NoError(t, err)
		defer srv.Close()
		cfg, asked := srv.Config(), 0
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				asked++
				return next.RoundTrip(r)
			})
		})
		g, err := newGuard(cfg, zap.NewNop())
		require.NoError(t, err)
		served := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		token := srv.Token("prometheus")
		scrape := func(want int) {
			t.Helper()
			require.Equal(t, want, get(g.protect(served), "/metrics", "10.0.0.7:4000", "10.0.0.1", token))
		}
		scrape(http.StatusForbidden)
		scrape(http.StatusForbidden)
		require.Equal(t, 2, asked, "a review of the token, and one of the right")
		require.NoError(t, cluster.ApplyYAML(t.Context(), srv.Config(), []byte(reader)))
		time.Sleep(refusedFor + time.Second)
		scrape(http.StatusOK)
		scrape(http.StatusOK)
		require.Equal(t, 4, asked)
		time.Sleep(allowedFor + time.Second)
		scrape(http.StatusOK)
		require.Equal(t, 6, asked)
	})
}

// Kills: tokens that somebody makes up, each of which is a request of ours.
func TestS7MadeUpTokensAreNoFloodForTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at, most atomic.Int32
		cfg := &rest.Config{Host: "https://api", Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), at.Add(1)))
			defer at.Add(-1)
			time.Sleep(time.Second)
			return nil, errors.New("no")
		})}
		g, err := newGuard(cfg, zap.NewNop())
		require.NoError(t, err)
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				require.Equal(t, http.StatusServiceUnavailable, get(g.protect(http.NotFoundHandler()), "/metrics", "10.0.0.7:4", "10.0.0.1", strconv.Itoa(i)))
			})
		}
		all.Wait()
		require.Equal(t, int32(atOnce), most.Load())
	})
}

// Kills: who makes up tokens keeps Prometheus from its scrape: by a queue that it stands in, by answers that
// displace that to Prometheus, or by one question that is asked a thousand times.
func TestS7MadeUpTokensDoNotKeepOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")})
		require.NoError(t, err)
		defer srv.Close()
		require.NoError(t, cluster.ApplyYAML(t.Context(), srv.Config(), []byte(reader)))
		cfg := srv.Config()
		var reviews atomic.Int32
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				reviews.Add(1)
				time.Sleep(50 * time.Millisecond)
				return next.RoundTrip(r)
			})
		})
		g, err := newGuard(cfg, zap.NewNop())
		require.NoError(t, err)
		h := g.protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		ask := func(token string) int { return get(h, "/metrics", "10.0.0.7:4", "10.0.0.1", token) }
		prometheus := srv.Token("prometheus")
		require.Equal(t, http.StatusOK, ask(prometheus))

		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { ask("the same") })
		}
		all.Wait()
		require.LessOrEqual(t, reviews.Load(), int32(2+atOnce))

		for minute := range 5 {
			for i := range 4000 {
				all.Go(func() { ask(strconv.Itoa(minute*4000 + i)) })
			}
			begun := time.Now()
			require.Equal(t, http.StatusOK, ask(prometheus))
			require.Less(t, time.Since(begun), time.Second)
			all.Wait()
			time.Sleep(time.Minute)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Kills: an API server that cannot be asked lets everybody in; an error that is told at each request.
func TestS6WhoCannotBeAskedAboutDoesNotGetIn(t *testing.T) {
	out := said(t, func() {
		p, err := newProcess(theName, nil, nil, nil)
		require.NoError(t, err)
		g, err := newGuard(&rest.Config{Host: "https://127.0.0.1:1"}, p.Logger)
		require.NoError(t, err)
		for range 3 {
			require.Equal(t, http.StatusServiceUnavailable, get(g.protect(http.NotFoundHandler()), "/metrics", "10.0.0.7:4", "10.0.0.1", "tiger-secret"))
		}
	})
	require.Regexp(t, `^\{"level":"warn".*the API server could not be asked.*\}$`, out)
	require.NotContains(t, out, "tiger")
	require.NotContains(t, out, "\n")
}

func pair(t *testing.T, dir, host string) {
	t.Helper()
	chain, key, err := cert.GenerateSelfSignedCertKey(host, nil, nil)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.crt"), chain, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.key"), key, 0o600))
}

// name is that of the certificate which a client sees.
func name(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	go func() { _ = tls.Server(theirs, cfg).Handshake() }()
	client := tls.Client(ours, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // which certificate it is, is the question
	require.NoError(t, client.Handshake())
	return client.ConnectionState().PeerCertificates[0].DNSNames[0]
}

// Kills: a certificate that is served after it was renewed, or one that fails while it is.
func TestS9TheCertificateOfTheMetricsIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir, "first.example.com")
	out := said(t, func() {
		p, err := newProcess(theName, []string{"--metrics-cert-dir", dir}, nil, nil)
		require.NoError(t, err)
		cfg, err := p.certificates()
		require.NoError(t, err)
		require.Equal(t, "first.example.com", name(t, cfg))

		require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.crt"), []byte("half"), 0o600))
		later(t, dir, time.Hour)
		require.Equal(t, "first.example.com", name(t, cfg))

		pair(t, dir, "second.example.com")
		later(t, dir, 2*time.Hour)
		require.Equal(t, "second.example.com", name(t, cfg))

		_, err = (&Process{settings: &settings{metricsCert: filepath.Join(dir, "absent")}}).certificates()
		require.ErrorContains(t, err, "read the certificate for metrics")
	})
	require.Contains(t, out, "the old one is used")
}

// later makes the files look as if they were written that much later, on file systems with coarse times, too.
func later(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(by)
	for _, name := range []string{"tls.crt", "tls.key"} {
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), at, at))
	}
}

func TestSelfSigned(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	p, err := newProcess(theName, nil, nil, nil)
	require.NoError(t, err)
	cfg, err := p.certificates()
	require.NoError(t, err)
	require.Equal(t, host, name(t, cfg))
	require.Equal(t, uint16(tls.VersionTLS12), cfg.MinVersion)
}
