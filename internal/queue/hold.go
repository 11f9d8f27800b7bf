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
func (q *Queue[K, R]) Hold(key K, reasons []R, more int, d time.Duration, light bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	e := q.entry(key)
	weight := max(e.weight, Change)
	since, moreSince := q.empty(e)
	for _, reason := range append(slices.Clip(reasons), since...) {
		q.because(e, reason, weight)
	}
	e.more += more + moreSince
	if light && len(since) > 0 {
		return // it was added again, and runs with that
	}
	h := &hold{light: light}
	h.Timer = time.AfterFunc(d, func() { q.release(key, h, nil) })
	e.hold = h
}

// Wake ends a hold, if there is one, because of reason.
func (q *Queue[K, R]) Wake(key K, reason R) {
	q.mu.Lock()
	var h *hold
	if e := q.entries[key]; e != nil {
		h = e.hold
	}
	q.mu.Unlock()
	if h != nil {
		q.release(key, h, &reason)
	}
}

func (q *Queue[K, R]) release(key K, h *hold, reason *R) {
	q.mu.Lock()
	e := q.entries[key]
	if q.closed || e == nil || e.hold != h {
		q.mu.Unlock()
		return
	}
	e.hold = h.stop()
	if reason != nil {
		q.because(e, *reason, Change)
	}
	wait := e.waits()
	q.mu.Unlock()
	if !wait {
		q.work.Add(key)
	}
}
