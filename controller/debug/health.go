package debug

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Ready is something that can say whether it does its work, or waits for its turn to: a
// controller.Controller.
type Ready interface {
	// Ready returns nil, or what is missing.
	Ready() error
}

// Healthy is something that can say whether only a restart helps it: a controller.Controller.
type Healthy interface {
	// Healthy returns nil, or what is wrong.
	Healthy() error
}

// Readyz returns a handler for a readiness probe: 200 if all are ready, else 503 and what is missing, a line
// each. All are asked at each request, and must answer at once.
func Readyz(all ...Ready) http.Handler {
	var p probe
	for _, one := range all {
		p = append(p, one.Ready)
	}
	return p
}

// Livez returns a handler for a liveness probe: 200 if nothing is wrong that only a restart helps, else 503
// and what it is. All are asked at each request, and must answer at once. Failures of the API server and
// of attempts make it fail in no case: a restart does not help them.
func Livez(all ...Healthy) http.Handler {
	var p probe
	for _, one := range all {
		p = append(p, one.Healthy)
	}
	return p
}

// probe is a handler that asks, and says what is wrong.
type probe []func() error

func (p probe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	var wrong []error
	for _, ask := range p {
		wrong = append(wrong, ask())
	}
	err := errors.Join(wrong...)
	if err == nil {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(w, text(strings.TrimSuffix(line, "\n")))
	}
}

// readOnly refuses all methods that are not for reading.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "only GET and HEAD are allowed", http.StatusMethodNotAllowed)
	return false
}
