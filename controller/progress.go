package controller

import (
	"sync/atomic"
	"time"
)

// progress tells workers that take nothing, although objects wait, from those that have nothing to do. Each worker
// counts what it takes, and once a minute the watchdog looks whether the sum has changed.
type progress struct {
	taken []count
	last  uint64       // the sum, when the watchdog looked last; its own
	since atomic.Int64 // since when objects wait and none is taken, in nanoseconds; 0 if that is not so
}

// count is that of one worker, in a cache line of its own.
type count struct {
	atomic.Uint64
	_ [56]byte
}

// lookEvery is how often the watchdog looks.
const lookEvery = time.Minute

// look notes whether something was taken, or nothing waits.
func (p *progress) look(waiting int, now time.Time) {
	sum := uint64(0)
	for n := range p.taken {
		sum += p.taken[n].Load()
	}
	if sum != p.last || waiting == 0 {
		p.last = sum
		p.since.Store(0)
	} else if p.since.Load() == 0 {
		p.since.Store(now.UnixNano())
	}
}

// stands returns for how long objects have been waiting and none was taken.
func (p *progress) stands(now time.Time) time.Duration {
	since := p.since.Load()
	if since == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, since))
}
