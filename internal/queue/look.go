package queue

import (
	"slices"
	"time"
)

// Place is where a key is, apart from being worked on, and what it waits for.
type Place[R comparable] struct {
	// Reasons are why it is worked on next, and More the number of those that were too many to keep.
	Reasons []R
	More    int
	// Ready reports whether it is in line, and Background whether in the lane behind the changes.
	Ready, Background bool
	// Held is why it is kept back, and Since since when; empty if it is not.
	Held  string
	Since time.Time
	// Due is the end of its timer, which is that of a backoff if Retry; zero if there is none.
	Due   time.Time
	Retry bool
	// Failures is the number of failures in a row.
	Failures int
}

// Look returns where a key is. known is false if nothing is pending for it.
func (q *Queue[K, R, S]) Look(key K) (at Place[R], known bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it, _ := q.items.Get(key)
	if it == nil || it.pending == nil {
		return at, false
	}
	p := it.pending
	at = Place[R]{Reasons: slices.Clone(p.reasons), More: int(p.more), Ready: p.ready, Failures: p.failures}
	at.Background = p.ready && p.weight == Background
	if p.hold != nil {
		at.Held, at.Since = it.parked.why, it.parked.first
	}
	if p.timer != nil {
		at.Due, at.Retry = p.timer.due, p.timer.backoff
	}
	return at, true
}

// Longest returns the keys that are held, those first that have been for longest, and most at most. Those
// that are held for the reason last come after the others.
func (q *Queue[K, R, S]) Longest(most int, last string) []K {
	type kept struct {
		key   K
		since time.Time
		last  bool
	}
	var all []kept
	q.mu.Lock()
	for it := range q.held {
		all = append(all, kept{it.Key, it.parked.first, it.parked.why == last})
	}
	q.mu.Unlock()
	slices.SortFunc(all, func(a, b kept) int {
		if a.last != b.last {
			if a.last {
				return 1
			}
			return -1
		}
		return a.since.Compare(b.since)
	})
	keys := make([]K, min(most, len(all)))
	for i := range keys {
		keys[i] = all[i].key
	}
	return keys
}
