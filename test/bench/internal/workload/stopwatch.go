package workload

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// stopwatch is a client that changes Widgets, and measures how long it takes until an operator begins to apply them. It
// has connections of its own, and is in the process of the operator: there is one clock, and the same cost for all.
type stopwatch struct {
	client  *rest.RESTClient
	slots   chan struct{} // requests at the same time
	last    atomic.Int32
	widgets map[types.NamespacedName]*timed
}

// timed is a Widget that is measured.
type timed struct {
	order sync.Mutex // writes arrive in the order of their numbers

	mu      sync.Mutex
	pending []pending
}

// pending is a write that no Apply has seen.
type pending struct {
	number int32
	seen   chan time.Time
}

func newStopwatch(ctx context.Context, cfg *rest.Config, measured ...types.NamespacedName) (*stopwatch, error) {
	cfg = rest.CopyConfig(cfg)
	gv := widget.GroupVersion()
	cfg.GroupVersion, cfg.APIPath = &gv, "/apis"
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(widget.Scheme()).WithoutConversion()
	cfg.Dial = (&net.Dialer{}).DialContext // with one of its own, no connection is shared
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	// It connects before there are many requests: those that come at the same time would make a connection each, and so
	// would more of them than a connection takes.
	if err := client.Get().AbsPath("/version").Do(ctx).Error(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &stopwatch{client: client, slots: make(chan struct{}, 100), widgets: map[types.NamespacedName]*timed{}}
	s.last.Store(1000) // a number that a Widget has already would be no change
	for _, key := range measured {
		s.widgets[key] = &timed{}
	}
	return s, nil
}

// write changes the spec of a Widget.
func (s *stopwatch) write(ctx context.Context, key types.NamespacedName, number int32) error {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	err := s.client.Patch(types.MergePatchType).Namespace(key.Namespace).Resource("widgets").Name(key.Name).
		Body([]byte(`{"spec":{"replicas":` + strconv.Itoa(int(number)) + `}}`)).Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("change Widget %s: %w", key, err)
	}
	return nil
}

// disturb changes a Widget that is not measured.
func (s *stopwatch) disturb(ctx context.Context, key types.NamespacedName) error {
	return s.write(ctx, key, s.last.Add(1))
}

// measure changes a Widget, and returns how long it took from before the request was sent until Apply began with that
// change, or with a later one.
func (s *stopwatch) measure(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	w, seen, began := s.widgets[key], make(chan time.Time, 1), time.Now()
	w.order.Lock()
	number := s.last.Add(1)
	w.mu.Lock()
	w.pending = append(w.pending, pending{number, seen})
	w.mu.Unlock()
	err := s.write(ctx, key, number)
	w.order.Unlock()
	if err != nil {
		return 0, err
	}
	select {
	case at := <-seen:
		return at.Sub(began), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for Apply of Widget %s: %w", key, ctx.Err())
	}
}

// applied is called when Apply begins. It reports whether the Widget is measured.
func (s *stopwatch) applied(of *widget.Widget) bool {
	now := time.Now()
	w, ok := s.widgets[types.NamespacedName{Namespace: of.Namespace, Name: of.Name}]
	if !ok {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pending) > 0 && w.pending[0].number <= of.Spec.Replicas {
		w.pending[0].seen <- now
		w.pending = w.pending[1:]
	}
	return true
}

// oneByOne measures changes, each after Apply has begun with the one before it.
func (s *stopwatch) oneByOne(ctx context.Context, keys []types.NamespacedName, until func(i int) bool) (took []time.Duration, err error) {
	for i := 0; i == 0 || !until(i); i++ {
		one, err := s.measure(ctx, keys[i%len(keys)])
		if err != nil {
			return nil, err
		}
		took = append(took, one)
	}
	return took, nil
}

// atRate measures so many changes per second, whatever becomes of those before, and returns when Apply has begun with all.
func (s *stopwatch) atRate(ctx context.Context, perSecond int, keys []types.NamespacedName, until func(i int) bool) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	err := pace(ctx, perSecond, until, func(i int) error {
		one, err := s.measure(ctx, keys[i%len(keys)])
		mu.Lock()
		defer mu.Unlock()
		took = append(took, one)
		return err
	})
	return took, err
}

// flood changes so many Widgets per second that are not measured.
func (s *stopwatch) flood(ctx context.Context, perSecond int, keys []types.NamespacedName, until func(i int) bool) error {
	return pace(ctx, perSecond, until, func(i int) error { return s.disturb(ctx, keys[i%len(keys)]) })
}

// pace calls do so many times per second, each time in a goroutine, and waits for all. An error of one of them ends it.
func pace(ctx context.Context, perSecond int, until func(i int) bool, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	began, interval := time.Now(), time.Second/time.Duration(perSecond)
	for i := 0; ctx.Err() == nil && (i == 0 || !until(i)); i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * interval)))
		wg.Go(func() {
			if err := do(i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// elapsed is true when the time has passed.
func elapsed(d time.Duration) func(int) bool {
	end := time.Now().Add(d)
	return func(int) bool { return time.Now().After(end) }
}

// closed is true when the channel is closed.
func closed(done <-chan struct{}) func(int) bool {
	return func(int) bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

// reportLatency reports the middle, and what one of a hundred exceeds.
func (p *Process) reportLatency(name string, took []time.Duration) {
	p.Report(name+" p50", "µs", middle(took))
	p.Report(name+" p99", "µs", percentile(took, 0.99))
}

// middle returns the middle one in microseconds, or the mean of the two in the middle.
func middle(took []time.Duration) float64 {
	low, high := Middle(took)
	return float64((low + high).Nanoseconds()) / 2000
}

// Middle returns the two in the middle, which are one if there is an odd number.
func Middle[T cmp.Ordered](values []T) (low, high T) {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return sorted[(n-1)/2], sorted[n/2]
}

// percentile returns the one in microseconds that so large a part does not exceed.
func percentile(took []time.Duration, part float64) float64 {
	sorted := slices.Sorted(slices.Values(took))
	i := int(math.Ceil(part*float64(len(sorted)))) - 1
	return float64(sorted[max(i, 0)].Nanoseconds()) / 1000
}
