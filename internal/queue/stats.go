package queue

import "time"

// Stats are what is in a queue, in numbers.
type Stats struct {
	// Ready are in line, and Background those of them that are in its lane.
	Ready, Background int
	// Retrying wait for the end of their backoff, and Timed for that of another timer.
	Retrying, Timed int
	// Held are kept back, by why.
	Held map[string]Held
	// Adds is how often a key was put in line.
	Adds uint64
}

// Held are the keys that are kept back for one reason.
type Held struct {
	Keys int
	// Longest is how long the one has waited that came first, whatever it was kept back for.
	Longest time.Duration
}

// Stats returns the numbers. It takes time for the keys that are held, and for no others.
func (q *Queue[K, R, S]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Stats{
		Ready: q.line.len(), Background: q.line.waiting,
		Retrying: q.counts.retrying, Timed: q.counts.timed, Adds: q.counts.adds,
	}
	for it := range q.held {
		if s.Held == nil {
			s.Held = map[string]Held{}
		}
		h := s.Held[it.parked.why]
		s.Held[it.parked.why] = Held{Keys: h.Keys + 1, Longest: max(h.Longest, time.Since(it.parked.first))}
	}
	return s
}

// counts are what Stats would have to look at all items for.
type counts struct {
	retrying, timed int
	adds            uint64
}

// timer counts a timer that comes or goes.
func (c *counts) timer(t *timer, n int) {
	switch {
	case t == nil:
	case t.backoff:
		c.retrying += n
	default:
		c.timed += n
	}
}

// parked is for how long a key was kept back, perhaps several times in a row.
type parked struct {
	why          string
	first, ready time.Time // when it was held first, and ready before that
	again        bool      // it was held since Get
}

// begin notes that a key is held, which was ready at a time.
func (p *parked) begin(ready time.Time, why string) {
	if p.first.IsZero() {
		p.first, p.ready = time.Now(), ready
	}
	p.why, p.again = why, true
}

// end is called by each worker in the end: what it did not hold again is not held any more, and is over.
func (p *parked) end() (over bool) {
	over = !p.again
	p.again = false
	return over
}

// Unpark forgets for how long the key was held: nobody waited for it. It is for the worker.
func (it *Item[K, R, S]) Unpark() { it.parked = nil }

// Waited returns when the reasons that Get returned made the key ready, how long it was held
// before that, and since when it has been waiting for either. It is for the worker, and zero
// without Options.Timed.
func (q *Queue[K, R, S]) Waited(it *Item[K, R, S]) (ready time.Time, held time.Duration, since time.Time) {
	if q.opts.Timed {
		ready = q.made.Add(it.since)
	}
	p := it.parked
	if p == nil || ready.IsZero() {
		return ready, 0, ready
	}
	return ready, ready.Sub(p.first), p.ready
}
