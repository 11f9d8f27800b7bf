package pace

import (
	"hash/maphash"
	"sync"
	"time"
)

// repeatAfter is how long the same failure of an object is not logged again above debug level: one
// that is updated 5,000 times would write 5,000 records that say the same.
const repeatAfter = time.Minute

// Repeat is what was last logged of an object.
type Repeat struct {
	what    uint64
	at      time.Time
	omitted int
}

// Again notes a failure, and returns whether the same was logged just now, and how many of
// them were not logged before this one.
func (r *Repeat) Again(seed maphash.Seed, text string, now time.Time) (repeated bool, omitted int) {
	what := maphash.String(seed, text)
	if what == r.what && now.Sub(r.at) < repeatAfter {
		r.omitted++
		return true, 0
	}
	if what == r.what {
		omitted = r.omitted
	}
	*r = Repeat{what: what, at: now}
	return false, omitted
}

// mostRepeats bounds the table of troubles, which starts over when it is full.
const mostRepeats = 1024

// Repeats are what was last logged of objects that no attempt is made for: an object
// that cannot be decoded, a mapping that panics.
type Repeats struct {
	mu   sync.Mutex
	last map[string]*Repeat
}

// Again is [Repeat.Again] for what the text is about.
func (t *Repeats) Again(seed maphash.Seed, about, text string, now time.Time) (repeated bool, omitted int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil || len(t.last) >= mostRepeats {
		t.last = map[string]*Repeat{}
	}
	if t.last[about] == nil {
		t.last[about] = &Repeat{}
	}
	return t.last[about].Again(seed, text, now)
}
