package controller

import (
	"hash/maphash"
	"sync"
	"time"
)

// sayAgain is how long the same failure of an object is not logged again above debug level: one
// that is updated 5,000 times would write 5,000 records that say the same.
const sayAgain = time.Minute

// said is what was last logged of an object.
type said struct {
	what   uint64
	at     time.Time
	unsaid int
}

// again notes a failure, and returns whether the same was logged just now, and how many of
// them were not logged before this one.
func (s *said) again(seed maphash.Seed, text string, now time.Time) (repeated bool, unsaid int) {
	what := maphash.String(seed, text)
	if what == s.what && now.Sub(s.at) < sayAgain {
		s.unsaid++
		return true, 0
	}
	if what == s.what {
		unsaid = s.unsaid
	}
	*s = said{what: what, at: now}
	return false, unsaid
}

// mostSaid bounds the table of troubles, which starts over when it is full.
const mostSaid = 1024

// troublesSaid are what was last logged of objects that no attempt is made for: an object
// that cannot be decoded, a mapping that panics.
type troublesSaid struct {
	mu   sync.Mutex
	last map[string]*said
}

// again is [said.again] for what the text is about.
func (t *troublesSaid) again(seed maphash.Seed, about, text string, now time.Time) (repeated bool, unsaid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil || len(t.last) >= mostSaid {
		t.last = map[string]*said{}
	}
	if t.last[about] == nil {
		t.last[about] = &said{}
	}
	return t.last[about].again(seed, text, now)
}
