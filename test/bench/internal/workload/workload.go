// Package workload has what is measured: each workload is one question that all contenders are asked, in turn, each
// in a process of its own.
package workload

import (
	"cmp"
	"context"
	"slices"
)

// The contenders.
const (
	Kuberator = "kuberator"                // this library with its defaults, all guarantees on, and with metrics
	Bare      = "kuberator-bare"           // the same without metrics, as the floor is
	Operated  = "kuberator-operated"       // the same with all that a team needs in production
	Leader    = "kuberator-leader"         // the same as the leader that took over from another process
	Floor     = "client-go"                // a loop written by hand, with no more in it than the work needs
	Peer      = "controller-runtime"       // as its documentation tells users to write it
	Tuned     = "controller-runtime-tuned" // as somebody writes it who knows its options well
	// TunedPriority is Tuned for latency, where that is measured: with the priority queue, which costs more.
	TunedPriority = "controller-runtime-priority"
)

// Workload is one question.
type Workload struct {
	Name string
	// About says in one sentence what is done.
	About string
	// Full and Short are how much of it is done for results, and to see that it works.
	Full, Short Size
	// Rounds is how often each contender is measured. 0 means 5.
	Rounds int
	// API is the API server that the contenders work against, anew for each measurement.
	API *API
	// Serve starts something else in its place. Both nil means that nothing is needed.
	Serve func(ctx context.Context, size Size) (*Site, error)
	// Contenders are measured in this order, again and again.
	Contenders []Contender
	// Bars are what has to hold.
	Bars []Bar
	// Chart names the metrics that the chart shows.
	Chart []string
}

// Size is how much is done.
type Size struct {
	Objects int `json:"objects"`
	// Times is how often it is done, or with how many of something else; what it is, the workload says.
	Times int `json:"times"`
}

// Contender is one answer to the question.
type Contender struct {
	Name string
	// Run does the work, and reports what it took. It runs in a process of its own.
	Run func(ctx context.Context, p *Process) error
}

// Site is what a contender works against. It is in the process that started the contender's.
type Site struct {
	// Server is the address of an API server, or the path of a kubeconfig.
	Server string
	// Driver is the address of what changes objects. "" means that nothing does.
	Driver string
	// Close ends it. nil means that there is nothing to end.
	Close func() error
}

// Bar is a limit for this library.
type Bar struct {
	Metric string
	// Contender is who is judged. "" means Kuberator.
	Contender string
	// Against is whose value of the metric is 1. "" means that the value itself counts.
	Against string
	AtMost  float64
	// Count means that the value is a count that does not depend on the machine, nor on how much is done: it is
	// checked in each run, also in the short one.
	Count bool
}

// Begin starts what the contenders work against: a real API server instead of a simulated one, if asked for.
func (w Workload) Begin(ctx context.Context, size Size, realServer bool) (*Site, error) {
	switch {
	case w.API != nil && realServer:
		return w.API.Start(ctx, size)
	case w.API != nil:
		return w.API.Simulate(ctx, size)
	case w.Serve != nil:
		return w.Serve(ctx, size)
	default:
		return &Site{}, nil
	}
}

// Turns returns how often each contender is measured.
func (w Workload) Turns() int { return cmp.Or(w.Rounds, 5) }

// Judged returns who is judged.
func (b Bar) Judged() string {
	if b.Contender == "" {
		return Kuberator
	}
	return b.Contender
}

// Reference returns the contender that the others are compared with: this library, or else the first one.
func (w Workload) Reference() string {
	if slices.ContainsFunc(w.Contenders, func(c Contender) bool { return c.Name == Kuberator }) || len(w.Contenders) == 0 {
		return Kuberator
	}
	return w.Contenders[0].Name
}

// All returns the workloads in the order of the tables.
func All() []Workload {
	return []Workload{loop, events, converge, restart, children, references, memory, scale, controllers, exploration, simulator, latency, noise, failover}
}

// Find returns a workload, and one of its contenders.
func Find(name, contender string) (Workload, Contender, bool) {
	all := All()
	i := slices.IndexFunc(all, func(w Workload) bool { return w.Name == name })
	if i < 0 {
		return Workload{}, Contender{}, false
	}
	j := slices.IndexFunc(all[i].Contenders, func(c Contender) bool { return c.Name == contender })
	if j < 0 {
		return Workload{}, Contender{}, false
	}
	return all[i], all[i].Contenders[j], true
}
