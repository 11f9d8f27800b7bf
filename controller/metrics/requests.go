package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
)

// requests are the metrics that client-go has for its requests.
type requests struct {
	sent *prometheus.CounterVec
	took *prometheus.HistogramVec
}

func newRequests() requests {
	return requests{
		sent: counter("rest_client_requests_total", "Number of HTTP requests, partitioned by status code, method, and host.", "code", "method", "host"),
		took: histogram("rest_client_request_duration_seconds", "Request latency in seconds, to the first byte of the answer. Broken down by verb, and host. Watches are left out.",
			[]float64{0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0}, "verb", "host"),
	}
}

func (r *requests) collectors() []prometheus.Collector { return []prometheus.Collector{r.sent, r.took} }

// Instrument returns a copy of cfg whose requests are counted: rest_client_requests_total and
// rest_client_request_duration_seconds, the names under which client-go's own metrics are known.
// Those are set once per process, for all of its clients; these are of the clients that are made
// with the copy. If controllers share a configuration, call it once.
func (m *Metrics) Instrument(cfg *rest.Config) *rest.Config {
	c := rest.CopyConfig(cfg)
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return &transport{next, m} })
	return c
}

type transport struct {
	next http.RoundTripper
	m    *Metrics
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	answer, err := t.next.RoundTrip(r)
	if !strings.Contains(r.URL.RawQuery, "watch=true") { // which lasts as long as it lasts
		t.m.took.WithLabelValues(r.Method, r.URL.Host).Observe(time.Since(start).Seconds())
	}
	code := "<error>" // as client-go has it
	if err == nil {
		code = strconv.Itoa(answer.StatusCode)
	}
	t.m.sent.WithLabelValues(code, r.Method, r.URL.Host).Inc()
	return answer, err
}

// WrappedRoundTripper is how client-go finds the transport under it.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }
