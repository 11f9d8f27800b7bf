package queue

import (
	"slices"
	"time"
)

// hold keeps a key back that a worker got and gave back.
type hold struct {
	*time.Timer
	light bool // the next reason ends it
}

// stop is for nil too, and returns nil.
func (h *hold) stop() *hold {
	if h != nil {
		h.Stop()
	}
	return nil
}

// Hold gives the reasons of a key back that Get returned, and keeps the key for d
// at most, or until Wake. What is added meanwhile joins the reasons; if light, it
// ends the hold too. Failures and timers stay as they are. Done must be called all
// the same.
func (q *Queue[K, R, S]) Hold(it *Item[K, R, S], reasons []R, more int, d time.Duration, light bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	p := q.pend(it)
	weight := max(p.weight, Change)
	since, moreSince := q.empty(p)
	for _, reason := range append(slices.Clip(reasons), since...) {
		q.because(p, reason, weight)
	}
	p.more += more + moreSince
	if light && len(since) > 0 {
		return // it was added again, and runs with that
	}
	h := &hold{light: light}
	h.Timer = time.AfterFunc(d, func() { q.release(it, h, nil) })
	p.hold = h
}

// Wake ends a hold, if there is one, because of reason.
func (q *Queue[K, R, S]) Wake(key K, reason R) {
	q.mu.Lock()
	var h *hold
	it := q.items[key]
	if it != nil && it.pending != nil {
		h = it.pending.hold
	}
	q.mu.Unlock()
	if h != nil {
		q.release(it, h, &reason)
	}
}

func (q *Queue[K, R, S]) release(it *Item[K, R, S], h *hold, reason *R) {
	q.mu.Lock()
	p := it.pending
	if q.closed || p == nil || p.hold != h {
		q.mu.Unlock()
		return
	}
	p.hold = h.stop()
	if reason != nil {
		q.because(p, *reason, Change)
	}
	wait := p.waits()
	q.mu.Unlock()
	if !wait {
		q.work.Add(it)
	}
}
