package controller

import (
	"sync"
	"time"
)

// mostTroubles is how many reports of trouble wait for a hook that is slow. They are in the
// log anyway.
const mostTroubles = 64

// troubles tells Options.OnAttempt of what is no attempt, one after the other: a list that
// fails and a hook that blocks must not keep client-go's goroutines, nor Run from ending.
type troubles struct {
	mu    sync.Mutex
	ended bool
	queue chan Attempt
	done  chan struct{}
}

func newTroubles() *troubles {
	return &troubles{queue: make(chan Attempt, mostTroubles), done: make(chan struct{})}
}

// run tells until the end of the queue.
func (t *troubles) run(tell func(Attempt)) {
	defer close(t.done)
	for at := range t.queue {
		tell(at)
	}
}

// add does not wait. Beyond mostTroubles, and after the end, there is no telling.
func (t *troubles) add(at Attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	select {
	case t.queue <- at:
	default:
	}
}

// end waits for the hook, but not for ever.
func (t *troubles) end(patience time.Duration) {
	t.mu.Lock()
	t.ended = true
	close(t.queue)
	t.mu.Unlock()
	within(patience, t.done)
}
