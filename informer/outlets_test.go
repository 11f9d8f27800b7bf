package informer_test

import (
	"context"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// hanging is an origin that does not answer probes.
type hanging struct{ *origin }

func (h hanging) ListerWatcher() cache.ListerWatcher {
	return hangingOutlet{&outlet{h.origin, "", nil}}
}

type hangingOutlet struct{ *outlet }

func (h hangingOutlet) ListWithContext(ctx context.Context, opts metav1.ListOptions) (k8sruntime.Object, error) {
	if opts.Limit == 1 {
		_ = h.o.admit(asked{"list", "", opts})
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return h.outlet.ListWithContext(ctx, opts)
}

// stuck is an origin that answers nothing but probes, while told to.
type stuck struct {
	*origin
	on atomic.Bool
}

func (s *stuck) hang(on bool) { s.on.Store(on) }

func (s *stuck) ListerWatcher() cache.ListerWatcher {
	return stuckOutlet{&outlet{s.origin, "", nil}, s}
}

type stuckOutlet struct {
	*outlet
	s *stuck
}

func (s stuckOutlet) ListWithContext(ctx context.Context, opts metav1.ListOptions) (k8sruntime.Object, error) {
	if opts.Limit != 1 && s.s.on.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.outlet.ListWithContext(ctx, opts)
}

func (s stuckOutlet) WatchWithContext(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	if s.s.on.Load() && (s.o.streams || opts.SendInitialEvents == nil) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.outlet.WatchWithContext(ctx, opts)
}

// unnumbered is an origin whose lists, watches and objects all have one number.
type unnumbered struct {
	*origin
	number string
}

func (u unnumbered) ListerWatcher() cache.ListerWatcher {
	return unnumberedOutlet{&outlet{u.origin, "", nil}, u.number}
}

type unnumberedOutlet struct {
	*outlet
	number string
}

func (u unnumberedOutlet) ListWithContext(ctx context.Context, opts metav1.ListOptions) (k8sruntime.Object, error) {
	list, err := u.outlet.ListWithContext(ctx, opts)
	if err == nil {
		list.(*corev1.ConfigMapList).ResourceVersion = u.number
	}
	return list, err
}

func (u unnumberedOutlet) WatchWithContext(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	u.o.mu.Lock()
	u.o.bookless = true
	u.o.mu.Unlock()
	opts.ResourceVersion = ""
	return u.outlet.WatchWithContext(ctx, opts)
}

// vague is an origin whose answers to probes have no number.
type vague struct{ *origin }

func (v vague) ListerWatcher() cache.ListerWatcher { return vagueOutlet{&outlet{v.origin, "", nil}} }

type vagueOutlet struct{ *outlet }

func (v vagueOutlet) ListWithContext(ctx context.Context, opts metav1.ListOptions) (k8sruntime.Object, error) {
	list, err := v.outlet.ListWithContext(ctx, opts)
	if err == nil && opts.Limit == 1 {
		list.(*corev1.ConfigMapList).ResourceVersion = ""
	}
	return list, err
}

// late is an origin whose answers to probes take a second, in which it changes.
type late struct{ *origin }

func (l late) ListerWatcher() cache.ListerWatcher { return lateOutlet{&outlet{l.origin, "", nil}} }

type lateOutlet struct{ *outlet }

func (l lateOutlet) ListWithContext(ctx context.Context, opts metav1.ListOptions) (k8sruntime.Object, error) {
	list, err := l.outlet.ListWithContext(ctx, opts)
	if opts.Limit == 1 {
		l.o.set(cm("a", "1"))
		time.Sleep(time.Second)
	}
	return list, err
}

// tardy is an origin whose first watch takes ten minutes to begin and is silent.
type tardy struct {
	*origin
	begun atomic.Bool
}

func (y *tardy) ListerWatcher() cache.ListerWatcher {
	return tardyOutlet{&outlet{y.origin, "", nil}, y}
}

type tardyOutlet struct {
	*outlet
	y *tardy
}

func (y tardyOutlet) WatchWithContext(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	w, err := y.outlet.WatchWithContext(ctx, opts)
	if err == nil && !y.y.begun.Swap(true) {
		y.o.silence()
		time.Sleep(10 * time.Minute)
	}
	return w, err
}
