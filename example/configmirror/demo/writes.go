package main

import (
	"net/http"
	"strings"
	"sync"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

// writeCounter counts the operator's writes to mirrors, on the wire.
type writeCounter struct {
	mu     sync.Mutex
	writes map[string]int
}

// wrap counts what passes next.
func (c *writeCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		path := "/" + v1alpha1.Resource().Resource + "/"
		if _, rest, ok := strings.Cut(r.URL.Path, path); ok && r.Method != http.MethodGet {
			mirror, _, _ := strings.Cut(rest, "/")
			c.mu.Lock()
			if c.writes == nil {
				c.writes = map[string]int{}
			}
			c.writes[mirror]++
			c.mu.Unlock()
		}
		return next.RoundTrip(r)
	})
}

func (c *writeCounter) count(mirror string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes[mirror]
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
