package informer

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// gap is what the server was seen to have and the cache has yet to reach.
type gap struct {
	listed, cached string // the resourceVersions when it was seen
	since          time.Time
}

// back tells that the server is behind the cache: it went back in time.
func (g *gap) back() bool { return older(g.listed, g.cached) }

// closed tells whether the cache got over it.
func (g *gap) closed(cached string) bool {
	if g.back() {
		return cached != g.cached
	}
	return !behind(cached, g.listed)
}

// StaleError tells [Handler.OnError] that a probe found the cache stale and that
// everything is listed anew. It is in the chain of a [*kerr.Error], which names the
// kind and, in its key, the namespace; none if all are watched as one.
type StaleError struct {
	// Cached is the resourceVersion that the cache is at; none if not even the first
	// list has arrived.
	Cached string
	// Listed is the one that the server said it is at. If it is older than Cached,
	// the server went back in time; otherwise the watch delivers nothing.
	Listed string
	// For is how long ago that was. A server that went back is not waited for: zero,
	// unless listing everything anew did not help.
	For time.Duration
}

// Error says what it is.
func (e *StaleError) Error() string {
	if e.Cached == "" {
		return fmt.Sprintf("the first list hangs: the server was at resourceVersion %s %s ago and the cache is empty; everything is listed anew",
			e.Listed, e.For.Round(time.Millisecond))
	}
	if older(e.Listed, e.Cached) {
		return fmt.Sprintf("the server went back in time: it was at resourceVersion %s %s ago and the cache is at %s; everything is listed anew",
			e.Listed, e.For.Round(time.Millisecond), e.Cached)
	}
	return fmt.Sprintf("the watch is silent: the server was at resourceVersion %s %s ago and the cache is at %s; everything is listed anew",
		e.Listed, e.For.Round(time.Millisecond), e.Cached)
}

// older tells whether a is older than b. What cannot be compared is not.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// behind tells whether a cache has yet to reach what was listed.
func behind(cached, listed string) bool {
	return older(cached, listed) || cached == "" && numbered(listed)
}

func numbered(rv string) bool {
	_, err := resourceversion.CompareResourceVersion(rv, rv)
	return err == nil
}
