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

// back reports whether the server is at an older state than the cache: it went back in time.
func (g *gap) back() bool { return older(g.listed, g.cached) }

// closed reports whether the cache has caught up.
func (g *gap) closed(cached string) bool {
	if g.back() {
		return cached != g.cached
	}
	return !behind(cached, g.listed)
}

// StaleError is the error that [Handler.OnError] gets when a probe found the cache stale and
// everything is listed again. It is in the chain of a [*kerr.Error], which has the kind and, in
// its key, the namespace, which is empty if all namespaces are watched as one.
type StaleError struct {
	// Cached is the resourceVersion of the cache; empty if not even the first list has arrived.
	Cached string
	// Listed is the resourceVersion that the server reported. If it is older than Cached, the
	// server was restored from a backup; otherwise the watch delivers nothing.
	Listed string
	// For is how long ago that was. It is zero for a server that was restored from a backup,
	// unless everything has been listed again before and that did not help.
	For time.Duration
}

// Error is one line with both resourceVersions.
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

// older reports whether a is older than b. It is false if they cannot be compared.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// behind reports whether a cache has not reached what was listed.
func behind(cached, listed string) bool {
	return older(cached, listed) || cached == "" && numbered(listed)
}

func numbered(rv string) bool {
	_, err := resourceversion.CompareResourceVersion(rv, rv)
	return err == nil
}
