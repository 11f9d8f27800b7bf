package informer

import (
	"slices"
	"sync"
	"sync/atomic"
)

// mostJumps bounds how many lists are remembered: what was skipped is asked for soon after.
const mostJumps = 4

// jumps are the states that a cache went over without an event: each time everything is listed
// again, those between what the cache was at and what the list shows.
type jumps struct {
	open atomic.Bool // the last list is not in the cache yet, as far as is known
	mu   sync.Mutex
	all  []jump
}

// jump goes from one resourceVersion of the cache to another; to is empty while it is not known.
type jump struct{ from, to string }

// list notes that everything is about to be listed, while the cache is at a resourceVersion.
func (j *jumps) list(cached string) {
	j.note(cached)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.open.Load() && j.all[len(j.all)-1].from == cached {
		return // the list before failed
	}
	if len(j.all) == mostJumps {
		j.all = slices.Delete(j.all, 0, 1)
	}
	j.all = append(j.all, jump{from: cached})
	j.open.Store(true)
}

// note notes where the cache is.
func (j *jumps) note(cached string) {
	if !j.open.Load() {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if last := &j.all[len(j.all)-1]; last.to == "" && last.from != cached {
		last.to = cached
		j.open.Store(false)
	}
}

// over reports whether the cache, which is at a resourceVersion now, went over the state rv.
func (j *jumps) over(rv, cached string) bool {
	j.note(cached)
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.all, func(one jump) bool {
		return behind(one.from, rv) && (one.to == "" || !older(one.to, rv))
	})
}
