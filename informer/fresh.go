package informer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// SubscribeFresh is [Informer.Subscribe] for decisions about what other processes did before. If
// the informer runs already, its watch may be behind: [Subscription.Full] and [Subscription.Synced]
// then wait until the cache shows every object, in the state or a later one, that the server had
// when SubscribeFresh was called. An object that was deleted before may still be shown, until the
// event of its deletion arrives.
//
// It costs one list of metadata of each watched namespace, read from the API server as of now. A
// watch that does not catch up within 10 seconds is replaced: everything is listed again.
//
// # Errors
//
// Those of Subscribe. A list that fails is repeated, and reported to [Handler].OnError.
func (i *Informer[T]) SubscribeFresh(ctx context.Context, h Handler[T]) (*Subscription[T], error) {
	return i.subscribe(ctx, &Subscription[T]{informer: i, handler: h, fresh: true})
}

// catchUp returns when the cache shows what the server has now. Where the watch is, only an event
// or a bookmark says, and an idle kind has one of these each minute: hence the resourceVersions of
// the objects decide, and not that of the list.
func (f *feed[T]) catchUp(ctx context.Context, report func(error)) {
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, lateAfter) {
		newest, err := f.newest(ctx)
		if err == nil {
			f.reach(ctx, newest, report)
			return
		}
		if ctx.Err() == nil {
			report(f.trouble(kerr.OpList, fmt.Errorf("find out whether the cache is fresh: %w", err)))
		}
		sleep(ctx, wait)
	}
}

func (f *feed[T]) trouble(op kerr.Op, err error) error {
	return kerr.New(op, f.kind, types.NamespacedName{Namespace: f.namespace}, "", err)
}

// newest returns the largest resourceVersion of the objects on the server.
func (f *feed[T]) newest(ctx context.Context) (newest string, err error) {
	err = pager.New(f.lister.listMetadata).EachListItem(ctx, metav1.ListOptions{}, func(obj runtime.Object) error {
		head, err := meta.Accessor(obj)
		if err != nil {
			return err
		}
		if rv := head.GetResourceVersion(); newest == "" || older(newest, rv) {
			newest = rv
		}
		return nil
	})
	return newest, err
}

// lateAfter is how long a watch is waited for that is behind. One that works takes milliseconds.
const lateAfter = 10 * time.Second

// reach waits until the cache is at a resourceVersion.
func (f *feed[T]) reach(ctx context.Context, newest string, report func(error)) {
	began, patience := time.Now(), lateAfter
	for due := began.Add(patience); older(f.at(), newest) && ctx.Err() == nil; sleep(ctx, 20*time.Millisecond) {
		if time.Now().Before(due) {
			continue
		}
		report(f.trouble(kerr.OpSync, &StaleError{Cached: f.at(), Listed: newest, For: time.Since(began)}))
		f.expire()
		patience *= 2 // a list may take long
		due = time.Now().Add(patience)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// listMetadata lists at least the metadata of what the source selects.
func (s *source) listMetadata(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	if heads, ok := s.lw.(repository.MetadataLister); ok {
		list, err := heads.ListMetadata(ctx, s.asked(o))
		if err != nil {
			return nil, err // and not a nil pointer
		}
		return list, nil
	}
	return s.with.ListWithContext(ctx, s.asked(o))
}

// Keep starts the informer, if it does not run yet, and keeps it running until the subscription is
// stopped. Nothing is called for its objects; onError is [Handler].OnError. Only the values of ctx
// are used.
func (i *Informer[T]) Keep(ctx context.Context, onError func(error)) (*Subscription[T], error) {
	if onError == nil {
		return nil, fmt.Errorf("keep the informer of %s: %w", i.Kind().Kind, errors.New("the function is nil"))
	}
	return i.subscribe(ctx, &Subscription[T]{informer: i, handler: keeper[T]{onError: onError}})
}
