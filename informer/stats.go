package informer

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Stats is how a cache is, in numbers. See [Subscription.Stats].
type Stats struct {
	// Kind is the kind of the cached objects.
	Kind schema.GroupVersionKind
	// Objects is how many objects the handler knows: those that it was told of, and not told of
	// their end.
	Objects int
	// Full is the result of [Subscription.Full] for all namespaces, and Lag that of
	// [Informer.Lag].
	Full bool
	Lag  time.Duration
}

// Stats returns how the cache is as the handler of s sees it. It takes no time for the objects,
// only for the namespaces that are watched, sends nothing and blocks nobody.
func (s *Subscription[T]) Stats() Stats {
	stats := Stats{Kind: s.informer.Kind(), Full: s.Full(""), Lag: s.informer.Lag()}
	for _, p := range *s.full.Load() {
		stats.Objects += int(p.teller.count.Load())
	}
	return stats
}
