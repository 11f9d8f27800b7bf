package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/utils/ptr"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/internal/safelog"
)

// releaser is a controller.
type releaser interface {
	ReleaseAll(ctx context.Context) error
}

// uninstall cleans up the objects of all controllers and ends. With leader election it waits for the lease,
// so that no replica that still runs adds finalizers behind it.
func (p *Process) uninstall(ctx context.Context) error {
	var all []*release
	var runners []controller.Runner
	for _, runner := range slices.Concat(p.each, p.leads) {
		r, ok := runner.(releaser)
		if !ok {
			p.Logger.Warn("uninstall: a runner has no method ReleaseAll, nothing is done for it", zap.String("type", fmt.Sprintf("%T", runner)))
			continue
		}
		one := &release{releaser: r, logger: p.Logger}
		all, runners = append(all, one), append(runners, one)
	}
	if len(all) == 0 {
		return errors.New("uninstall: no runner has a method ReleaseAll")
	}
	working, done := context.WithCancel(ctx)
	defer done()
	if p.settings.leaderElect {
		go p.tellWaiting(working)
	}
	err := p.events.Run(working, p.elected(runners)...)
	for _, one := range all {
		err = errors.Join(err, one.left())
	}
	if err == nil && p.settings.leaderElect {
		err = p.nobodyTakesOver(ctx)
	}
	if err != nil {
		return fmt.Errorf("uninstall: %w", err)
	}
	p.Logger.Info("uninstall: all objects are released")
	return nil
}

// release is a runner that repeats ReleaseAll until nothing is left: a Cleanup may take several attempts,
// and wait for others.
type release struct {
	releaser
	logger *zap.Logger

	mu   sync.Mutex
	last error
	done bool
}

// Run returns nil also if ctx ends before: the lease may be lost and won again.
func (r *release) Run(ctx context.Context) error {
	const first, longest = time.Second, 30 * time.Second
	for wait := first; ; wait = min(2*wait, longest) {
		err := r.ReleaseAll(ctx)
		r.mu.Lock()
		r.last, r.done = err, err == nil
		r.mu.Unlock()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
			r.logger.Warn("uninstall: not all objects are released, trying again", safelog.Error(err))
		}
	}
}

// left returns nil if all was released.
func (r *release) left() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.done:
		return nil
	case r.last == nil:
		return errors.New("it was ended before it began: the lease was not free")
	default:
		return fmt.Errorf("it was ended before all was released: %w", r.last)
	}
}

// nobodyTakesOver returns an error if there is a replica that waited for the lease: it works now, and puts the
// finalizers on again. Standbys look at the lease twice a second.
func (p *Process) nobodyTakesOver(ctx context.Context) error {
	client, err := coordination.NewForConfig(p.Config)
	if err != nil {
		return err
	}
	const looks, every = 6, 500 * time.Millisecond
	for range looks {
		select {
		case <-ctx.Done():
			return nil // all is released, and nobody was seen
		case <-time.After(every):
		}
		lease, err := client.Leases(p.lease.Namespace).Get(ctx, p.lease.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return fmt.Errorf("all objects are released, but whether a replica is left is not known: %w", err)
		case ptr.Deref(lease.Spec.HolderIdentity, "") != "":
			return fmt.Errorf("all objects were released, but %s has begun to work since: stop all replicas, and uninstall again", *lease.Spec.HolderIdentity)
		}
	}
	return nil
}

// tellWaiting tells who has the lease that uninstall waits for.
func (p *Process) tellWaiting(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s := p.elector.Status(); !s.Leading {
			p.Logger.Warn("uninstall: waiting for the lease: stop all replicas", zap.String("lease", s.Lease.String()), zap.String("holder", s.Holder), safelog.Error(s.Err))
		}
	}
}
