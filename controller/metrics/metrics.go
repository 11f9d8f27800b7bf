package metrics

import (
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kuberator/kuberator/controller"
)

// Metrics is a [controller.Observer] that counts, for any number of controllers. Make it with
// [New]. Its methods are safe for concurrent use.
//
// Two controllers of one name are counted as one.
type Metrics struct {
	attempts
	requests
	byController sync.Map // *counters by name

	mu      sync.Mutex
	last    int
	running map[int]func() controller.Stats
	leading map[string]func() bool
}

var (
	_ controller.StatsObserver       = (*Metrics)(nil)
	_ controller.ConvergenceObserver = (*Metrics)(nil)
)

// New returns Metrics that are registered with reg. Give them to Options.Observer of each
// controller, and call [Metrics.Instrument] for the requests. What they keep does not grow with
// the objects.
//
// # Errors
//
// An error if reg is nil, and that of reg if it has metrics of the same names already: a process
// needs one Metrics, or registerers with different labels (prometheus.WrapRegistererWith).
func New(reg prometheus.Registerer) (*Metrics, error) {
	if reg == nil {
		return nil, errors.New("new metrics: the registerer is nil")
	}
	m := &Metrics{attempts: newAttempts(), requests: newRequests(), running: map[int]func() controller.Stats{}, leading: map[string]func() bool{}}
	if err := reg.Register(collector{m}); err != nil {
		return nil, fmt.Errorf("new metrics: %w", err)
	}
	return m, nil
}

// Leader exports leader_election_master_status for the Lease of that name: 1 while leading returns
// true, else 0. leading is called for each scrape, must return quickly, and be safe for concurrent
// use. A second call for the same name takes the place of the first.
func (m *Metrics) Leader(name string, leading func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leading[name] = leading
}

// Running implements [controller.StatsObserver].
func (m *Metrics) Running(c controller.Introspector) (ended func()) {
	m.of(c.Stats().Controller) // which exports its counters as 0
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	id := m.last
	m.running[id] = c.Stats
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.running, id)
	}
}
