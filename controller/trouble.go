package controller

import (
	"sync"
	"time"
)

// mostTroubles is how many calls wait for an observer that is slow. All trouble is in the log
// anyway.
const mostTroubles = 64

// troubles calls Options.Observer with trouble, one after the other: a list that fails and an
// observer that blocks must not keep client-go's goroutines, nor Run from ending.
type troubles struct {
	mu    sync.Mutex
	ended bool
	queue chan Trouble
	done  chan struct{}
}

func newTroubles() *troubles {
	return &troubles{queue: make(chan Trouble, mostTroubles), done: make(chan struct{})}
}

// run calls tell until the end of the queue.
func (t *troubles) run(tell func(Trouble)) {
	defer close(t.done)
	for one := range t.queue {
		tell(one)
	}
}

// add does not wait. Beyond mostTroubles, and after the end, trouble is dropped.
func (t *troubles) add(one Trouble) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	select {
	case t.queue <- one:
	default:
	}
}

// end waits for the observer, for at most patience.
func (t *troubles) end(patience time.Duration) {
	t.mu.Lock()
	t.ended = true
	close(t.queue)
	t.mu.Unlock()
	within(patience, t.done)
}
