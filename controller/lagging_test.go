package controller_test

import (
	"context"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/repository"
)

// lagging is a repository, by the interface alone, whose watches deliver nothing
// before open is closed. What changed before then arrives as one event.
type lagging struct {
	repository.Repository[*deployment]
	open chan struct{}
	gone atomic.Bool // the first watch that is opened then has been told to list again
}

func (l *lagging) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(l.Repository.ListerWatcher())
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: inner.ListWithContext,
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			select {
			case <-l.open:
				if l.gone.CompareAndSwap(false, true) {
					return nil, apierrors.NewResourceExpired("too old resource version")
				}
				return inner.WatchWithContext(ctx, opts)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}, noWatchList{})
}

// noWatchList says that lists cannot be streamed, as client-go's fakes do.
type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }
