package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// failover is the time in which no replica of an operator works, when the leader ends by SIGTERM, and when it is killed: from
// the signal to the next Apply, by the other replica. An object changes ten times a second, and Apply takes 50 ms. Each
// replica is a process. There are pairs of them at the same time, with a lease for each pair; in each pair two leaders get
// SIGTERM and one SIGKILL, each when the standby has known for at least 2 s who leads.
//
// Overlaps are pairs of calls of Apply, by both replicas, at the same time.
var failover = Workload{
	Name:  "failover",
	About: "From SIGTERM, or SIGKILL, of the leader to the next Apply by a standby",
	Full:  Size{Objects: 4, Times: 2}, Short: Size{Objects: 1, Times: 1},
	Rounds: 1,
	API:    &API{CRDs: [][]byte{widget.CRD}, Core: []string{"leases.coordination.k8s.io", "events", "events.events.k8s.io"}, Fill: fillFailover},
	Contenders: []Contender{
		replicas(Kuberator, contender.KuberatorReplica),
		replicas(Floor, contender.ClientGoReplica),
		replicas(Peer, contender.RuntimeReplica(contender.RuntimeOptions{})),
		replicas(Tuned, contender.RuntimeReplica(contender.RuntimeOptions{Tuned: true})),
	},
	Bars: []Bar{
		{Metric: "SIGTERM max", AtMost: 700}, // a look each 550 ms at most, an Apply of 50 ms that is under way, a write
		{Metric: "SIGTERM", Against: Floor, AtMost: 1},
		{Metric: "SIGTERM", Against: Tuned, AtMost: 1},
		{Metric: "SIGKILL", Against: Floor, AtMost: 1.05},
		{Metric: "SIGKILL", Against: Tuned, AtMost: 1.05},
		{Metric: "overlaps", AtMost: 0, Count: true},
	},
	Chart: []string{"SIGTERM", "SIGKILL"},
}

// changing is the object.
var changing = types.NamespacedName{Namespace: namespace, Name: "changing"}

func fillFailover(ctx context.Context, cfg *rest.Config, _ Size) error {
	return createSettled(ctx, cfg, []types.NamespacedName{changing})
}

func replicas(name string, makeOp contender.Replica) Contender {
	return Contender{name, func(ctx context.Context, p *Process) error {
		if p.Replica != "" {
			return runReplica(ctx, p, makeOp)
		}
		return runFailover(ctx, p)
	}}
}

// election has the defaults of all. In a short run the times are the shortest that all take.
func (p *Process) election() contender.Election {
	e := contender.Election{
		Lease:         types.NamespacedName{Namespace: namespace, Name: p.Replica},
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
	}
	if p.isShort() {
		e.LeaseDuration, e.RenewDeadline, e.RetryPeriod = 3*time.Second, 2*time.Second, time.Second
	}
	return e
}

// isShort tells by the number of pairs: one is to see that it works.
func (p *Process) isShort() bool { return p.Size.Objects == 1 }

// outage is what became of a leader that got a signal.
type outage struct {
	signal   os.Signal
	took     time.Duration
	overlaps int
}

func runFailover(ctx context.Context, p *Process) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := newStopwatch(ctx, p.Config)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	changed := make(chan error, 1)
	go func() { changed <- client.flood(ctx, 10, []types.NamespacedName{changing}, closed(done)) }()

	outages, errs := make([][]outage, p.Size.Objects), make([]error, p.Size.Objects)
	var wg sync.WaitGroup
	for i := range outages {
		wg.Go(func() { outages[i], errs[i] = p.pair(ctx, i) })
	}
	wg.Wait()
	close(done)
	if err := errors.Join(append(errs, <-changed)...); err != nil {
		return err
	}
	p.reportOutages(outages)
	return nil
}

// pair has the leaders of one lease get the signals.
func (p *Process) pair(ctx context.Context, i int) (outages []outage, err error) {
	lease := fmt.Sprintf("bench-%d", i)
	leads, err := p.start(ctx, lease)
	if err != nil {
		return nil, err
	}
	defer func() { leads.kill() }()
	if _, err := leads.works(ctx); err != nil {
		return nil, err
	}
	for _, signal := range p.signals() {
		standby, err := p.start(ctx, lease)
		if err != nil {
			return nil, err
		}
		defer standby.kill()
		if err := standby.waits(ctx); err != nil {
			return nil, err
		}
		if !p.isShort() { // and not all at the same time, nor always at the same point between two looks at the lease
			time.Sleep(2*time.Second + time.Duration(i)*2*time.Second/time.Duration(p.Size.Objects))
		}
		one, err := leads.fail(ctx, signal, standby)
		if err != nil {
			return nil, err
		}
		outages, leads = append(outages, one), standby
	}
	return outages, nil
}

func (p *Process) signals() (all []os.Signal) {
	for range p.Size.Times {
		all = append(all, syscall.SIGTERM)
	}
	if p.isShort() {
		return all
	}
	return append(all, syscall.SIGKILL)
}

func (p *Process) reportOutages(pairs [][]outage) {
	took, overlaps := map[os.Signal][]time.Duration{}, 0
	for _, outages := range pairs {
		for _, o := range outages {
			took[o.signal] = append(took[o.signal], o.took)
			overlaps += o.overlaps
		}
	}
	for _, kind := range []struct {
		name   string
		signal os.Signal
	}{{"SIGTERM", syscall.SIGTERM}, {"SIGKILL", syscall.SIGKILL}} {
		if of := took[kind.signal]; len(of) > 0 {
			p.Report(kind.name, "ms", middle(of)/1000)
			p.Report(kind.name+" max", "ms", percentile(of, 1)/1000)
			p.Report(kind.name+" signals", "", float64(len(of)))
		}
	}
	p.Report("overlaps", "", float64(overlaps))
}
