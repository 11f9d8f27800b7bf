package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// durations are those of the attempts of one controller. They are observed many at a time, before a scrape at
// the latest: a histogram that several workers write to one by one costs each of them several times as much.
type durations struct {
	queued, lasted prometheus.Observer

	mu  sync.Mutex
	n   int
	all [256][2]time.Duration
}

func (d *durations) add(queued, lasted time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all[d.n] = [2]time.Duration{queued, lasted}
	if d.n++; d.n == len(d.all) {
		d.observe()
	}
}

// flush observes those that wait.
func (d *durations) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.observe()
}

func (d *durations) observe() {
	for _, one := range d.all[:d.n] {
		d.queued.Observe(one[0].Seconds())
		d.lasted.Observe(one[1].Seconds())
	}
	d.n = 0
}
