package informer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/kerr"
)

// probeEvery is the zero value of Options.Probe.
const probeEvery = time.Minute

// probe finds out whether the watch of a feed still delivers (G18). A watch can stay open and
// deliver nothing: the connection is half dead, or a proxy holds it. A server that was restored
// from a backup goes on from an older state, and a watch from a later resourceVersion does not
// show that. A first list can hang, too.
type probe struct {
	kind      schema.GroupVersionKind
	namespace string
	every     time.Duration
	lister    *source
	cached    func() string // the resourceVersion of the cache, "" before the first list
	filling   func() bool   // the first list is under way
	expire    func()        // makes the reflector list again
	report    func(error)

	gap atomic.Pointer[gap]

	// What follows belongs to run.
	failing  bool
	last     string        // what the cache was at
	forced   bool          // everything was listed again, for this gap
	due      time.Time     // when that happens next
	patience time.Duration // how long a gap is left to the watch
}

// Lag returns how long ago a probe found that the cache is behind the server, if the cache has
// not caught up since; otherwise, and while the informer does not run or Options.Probe is
// negative, it is 0. With several namespaces it is the longest. Values up to one minute are
// normal for an idle kind: that is the interval of the server's bookmarks. After 2.5 ×
// Options.Probe (150 s by default) everything is listed again and handlers get a [StaleError]; a
// Lag that goes on growing means that this did not help.
func (i *Informer[T]) Lag() time.Duration {
	r := i.now()
	if r == nil {
		return 0
	}
	var longest time.Duration
	for _, f := range r.feeds.Load().by {
		if f.probe != nil {
			longest = max(longest, f.probe.lag())
		}
	}
	return longest
}

func (p *probe) lag() time.Duration {
	g := p.gap.Load()
	if g == nil || g.closed(p.cached()) {
		return 0
	}
	return time.Since(g.since)
}

// run probes until ctx ends.
func (p *probe) run(ctx context.Context) {
	p.patience = 2 * p.limit() // a first list may take long
	timer := time.NewTimer(p.next())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			p.once(ctx)
			timer.Reset(p.next())
		}
	}
}

// limit is how long the cache may be behind before the watch counts as silent: two
// and a half times the interval, which is two bookmarks of the server and a half.
func (p *probe) limit() time.Duration { return p.every * 5 / 2 }

// next returns when to probe next: after the interval, give or take a fifth so that
// the probes of many informers do not come all at once, or when a gap is due.
func (p *probe) next() time.Duration {
	wait := time.Duration(float64(p.every) * (0.8 + 0.4*rand.Float64()))
	if left := time.Until(p.due); p.gap.Load() != nil && left > 0 {
		return min(wait, left)
	}
	return wait
}

// once asks the server where it is. The cache is looked at before: a server that
// answers later and less has gone back in time.
func (p *probe) once(ctx context.Context) {
	cached := p.cached()
	if !numbered(cached) && !p.filling() {
		return // the first list fails, which is reported elsewhere, or the server does not number its states
	}
	listed, err := p.ask(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if !p.failing {
			key := types.NamespacedName{Namespace: p.namespace}
			p.report(kerr.New(kerr.OpList, p.kind, key, "", fmt.Errorf("probe the watch: %w", err)))
		}
		p.failing = true
	default:
		p.failing = false
		p.judge(listed, cached, time.Now())
	}
}

// ask returns the resourceVersion that the server is at, by a quorum read.
func (p *probe) ask(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.every)
	defer cancel()
	list, err := p.lister.ListWithContext(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return "", err
	}
	head, err := meta.ListAccessor(list)
	if err != nil {
		return "", err
	}
	return head.GetResourceVersion(), nil
}

// judge compares. Listing again that did not help is repeated after twice the time, and so on: a
// list may take long, and a server may send no bookmarks.
func (p *probe) judge(listed, cached string, now time.Time) {
	if cached != p.last && !p.forced {
		p.patience = p.limit() // the watch delivers
	}
	g := p.gap.Load()
	if g != nil && g.closed(cached) {
		g, p.forced = nil, false
	}
	p.last = cached
	switch {
	case older(listed, cached) && (g == nil || !g.back()):
		g, p.due = &gap{listed, cached, now}, now
	case behind(cached, listed) && g == nil:
		g, p.due = &gap{listed, cached, now}, now.Add(p.patience)
	case g != nil && !g.back() && older(listed, g.listed):
		g = &gap{listed, cached, g.since} // the server went back, to what the cache has not reached yet
	}
	p.gap.Store(g)
	if g != nil && !now.Before(p.due) {
		p.force(&StaleError{Cached: cached, Listed: g.listed, For: now.Sub(g.since)}, now)
	}
}

func (p *probe) force(stale error, now time.Time) {
	const most = 16 // times the limit
	p.patience = min(2*p.patience, most*p.limit())
	p.forced, p.due = true, now.Add(p.patience)
	p.expire()
	p.report(kerr.New(kerr.OpSync, p.kind, types.NamespacedName{Namespace: p.namespace}, "", stale))
}
