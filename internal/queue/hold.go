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
// ends the hold too. Failures and timers stay as they are. why is for Stats. Done must be
// called all the same.
func (q *Queue[K, R, S]) Hold(it *Item[K, R, S], reasons []R, more int, d time.Duration, light bool, why string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	p := q.pendingOf(it)
	if since := q.join(p, reasons, more, it.weight); light && since {
		return // it was added again, and runs with that
	}
	h := &hold{light: light}
	h.Timer = time.AfterFunc(d, func() { q.endHold(it, h, nil) })
	p.hold = h
	if it.parked == nil {
		it.parked = &parked{}
	}
	ready, _, _ := q.Waited(it)
	it.parked.begin(ready, why)
	if q.held == nil {
		q.held = map[*Item[K, R, S]]bool{}
	}
	q.held[it] = true
	q.place(it)
}

// unhold ends the hold of a key, if there is one.
func (q *Queue[K, R, S]) unhold(it *Item[K, R, S]) {
	it.pending.hold = it.pending.hold.stop()
	if delete(q.held, it); len(q.held) == 0 {
		q.held = nil // a map never shrinks
	}
}

// Back gives the reasons of a key back that Get returned, as reasons that do not end a backoff.
// Done must be called all the same.
func (q *Queue[K, R, S]) Back(it *Item[K, R, S], reasons []R, more int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	p := q.pendingOf(it)
	q.join(p, reasons, more, Change)
	q.place(it)
}

// join puts reasons in front of those that came since, if any did.
func (q *Queue[K, R, S]) join(p *pending[R], reasons []R, more int, weight Weight) (some bool) {
	weight = max(weight, p.weight)
	since, moreSince := p.takeReasons()
	for _, reason := range append(slices.Clip(reasons), since...) {
		q.addReason(p, reason, weight)
	}
	p.more += uint32(more + moreSince)
	return len(since) > 0
}

// Wake ends a hold, if there is one, because of reason.
func (q *Queue[K, R, S]) Wake(key K, reason R) {
	q.mu.Lock()
	var h *hold
	it, _ := q.items.Get(key)
	if it != nil && it.pending != nil {
		h = it.pending.hold
	}
	q.mu.Unlock()
	if h != nil {
		q.endHold(it, h, &reason)
	}
}

func (q *Queue[K, R, S]) endHold(it *Item[K, R, S], h *hold, reason *R) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := it.pending
	if q.closed || p == nil || p.hold != h {
		return
	}
	q.unhold(it)
	if len(p.reasons) > 0 {
		p.weight = max(p.weight, Change) // it has had its turn
	}
	if reason != nil {
		q.addReason(p, *reason, Change)
	}
	q.place(it)
}
