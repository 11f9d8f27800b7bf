package controller_test

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/repository"
)

// lagging is a repository, by the interface alone, whose watches never deliver.
type lagging struct {
	repository.Repository[*deployment]
}

func (l *lagging) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(l.Repository.ListerWatcher())
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: inner.ListWithContext,
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			return watch.NewFake(), nil
		},
	}, noWatchList{})
}

// noWatchList says that lists cannot be streamed, as client-go's fakes do.
type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }
