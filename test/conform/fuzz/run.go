package fuzz

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Run says which sequences are compared.
type Run struct {
	Seed  uint64
	First int // the number of the first sequence
	Count int // how many there are
	// For is after which time no sequence is begun any more. 0 means that there is no such time.
	For time.Duration
	// Most is after how many divergences it ends. 0 means one.
	Most int
	// Garbage says that the sequences are those of [NewGarbage], for servers with garbage collectors.
	Garbage bool
}

// mode is how sequences are made and compared.
type mode struct {
	make    func(seed uint64, number int) Sequence
	workers int    // how many run at a time: most of their time is waiting
	option  string // of make fuzz
}

func (r *Run) mode() mode {
	if r.Garbage {
		return mode{NewGarbage, 50, " OF=Garbage"}
	}
	return mode{New, 3, ""}
}

// title names a sequence and how to see it again.
func (r *Run) title(number int) string {
	return fmt.Sprintf("Seed %d, sequence %d: make fuzz%s SEED=%d FIRST=%d N=1", r.Seed, number, r.mode().option, r.Seed, number)
}

// Run compares the sequences of a run, and returns how many there were. A divergence is shrunk, and
// then reported, one at a time. So is an error: a sequence that could not be compared.
func (p *Pair) Run(ctx context.Context, run Run, report func(d *Divergence, err error)) int {
	numbers := make(chan int)
	begin, done, found := time.Now(), 0, 0
	var mu sync.Mutex
	var working sync.WaitGroup
	how := run.mode()
	for range how.workers {
		working.Go(func() {
			for number := range numbers {
				d, err := p.Compare(ctx, how.make(run.Seed, number), run.title(number))
				if d != nil {
					d = p.Shrink(ctx, d)
				}
				mu.Lock()
				done++
				if d != nil || err != nil {
					found++
					report(d, err)
				}
				mu.Unlock()
			}
		})
	}
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return found >= max(run.Most, 1) || run.For > 0 && time.Since(begin) > run.For || ctx.Err() != nil
	}
	for number := run.First; number < run.First+run.Count && !enough(); number++ {
		numbers <- number
	}
	close(numbers)
	working.Wait()
	return done
}
