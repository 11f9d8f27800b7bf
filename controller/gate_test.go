package controller_test

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/repository"
)

// gated is a repository whose watches can be held: what happens meanwhile arrives
// when they are released, in order.
type gated[T repository.Object] struct {
	*repository.Live[T]

	mu   sync.Mutex
	open chan struct{}
}

func gate[T repository.Object](repo *repository.Live[T]) *gated[T] {
	g := &gated[T]{Live: repo}
	g.release()
	return g
}

func (g *gated[T]) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

func (g *gated[T]) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = make(chan struct{})
	}
	close(g.open)
}

func (g *gated[T]) gate() chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *gated[T]) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(g.Live.ListerWatcher())
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: inner.ListWithContext,
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			w, err := inner.WatchWithContext(ctx, opts)
			if err != nil {
				return nil, err
			}
			return g.through(w), nil
		},
	}, noWatchList{})
}

// through passes the events on while the gate is open.
func (g *gated[T]) through(w watch.Interface) watch.Interface {
	events, stopped := make(chan watch.Event), make(chan struct{})
	go func() {
		defer close(events)
		for event := range w.ResultChan() {
			select {
			case <-g.gate():
			case <-stopped:
				return
			}
			select {
			case events <- event:
			case <-stopped:
				return
			}
		}
	}()
	return &passing{w, events, stopped, sync.Once{}}
}

type passing struct {
	watch.Interface
	events  chan watch.Event
	stopped chan struct{}
	once    sync.Once
}

func (p *passing) ResultChan() <-chan watch.Event { return p.events }

func (p *passing) Stop() {
	p.once.Do(func() { close(p.stopped) })
	p.Interface.Stop()
}
