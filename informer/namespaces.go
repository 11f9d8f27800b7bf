package informer

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/set"

	"github.com/kuberator/kuberator/repository"
)

// SetNamespaces changes which namespaces are watched, at any time. Without arguments these are
// the namespaces that the repository is confined to, or else all.
//
// While the informer runs, namespaces that stay keep their cache and their watch. A new one is
// listed and watched, and handlers get its objects with OnAdd; to wait for that, call
// [Subscription.Synced] afterwards. The objects of one that is removed leave the cache, and
// handlers get them with OnDelete, like objects that no longer match a selector. A change from
// some namespaces to all, or back, removes and adds all objects.
//
// It returns when handlers have been called for what is removed. It must not be called by a
// handler of this informer. It returns an error, and changes nothing, if the repository cannot
// list a single namespace or is confined to others. It is safe for concurrent use; the last call
// counts.
func (i *Informer[T]) SetNamespaces(namespaces ...string) error {
	failed := func(err error) error {
		return fmt.Errorf("set the namespaces of the informer of %s: %w", i.Kind().Kind, err)
	}
	wanted, err := namespacesOf(i.repo, namespaces)
	if err != nil {
		return failed(err)
	}
	defer i.take()()
	i.mu.Lock()
	i.namespaces = wanted
	i.mu.Unlock()
	if r := i.now(); r != nil {
		if err := i.follow(r); err != nil {
			return failed(err)
		}
	}
	return nil
}

// follow makes r watch what the informer is to watch now. It must be called with the lifecycle lock. Handlers get
// deletions before additions: one object may be in both.
func (i *Informer[T]) follow(r *lifetime[T]) error {
	before, after := r.feeds.Load(), &feeds[T]{by: map[string]*feed[T]{}}
	var fresh []*feed[T]
	for _, namespace := range i.watched() {
		f := before.by[namespace]
		if f == nil {
			f = i.newFeed(r, namespace)
			fresh = append(fresh, f)
		}
		after.by[namespace] = f
	}
	r.feeds.Store(after)
	var errs []error
	for namespace, f := range before.by {
		if after.by[namespace] == nil {
			for _, s := range r.subscribed() {
				errs = append(errs, s.quit(f))
			}
			f.cancel() // now: an informer that stops holds a mutex while it waits for handlers
		}
	}
	for _, f := range fresh {
		for _, s := range r.subscribed() {
			errs = append(errs, s.join(f, false))
		}
		r.launch(f)
	}
	return errors.Join(errs...)
}

// watched returns the namespaces to watch; the empty one stands for all.
func (i *Informer[T]) watched() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.namespaces) == 0 {
		return []string{metav1.NamespaceAll}
	}
	return i.namespaces
}

// ListerWatchers returns, by namespace, new ListerWatchers that select what the informer selects.
// The key "" means all namespaces.
func (i *Informer[T]) ListerWatchers() map[string]cache.ListerWatcher {
	lws := map[string]cache.ListerWatcher{}
	for _, namespace := range i.watched() {
		lws[namespace] = newSource(i.listerWatcher(namespace), i.opts)
	}
	return lws
}

func (i *Informer[T]) listerWatcher(namespace string) cache.ListerWatcher {
	if namespace == metav1.NamespaceAll {
		return i.repo.ListerWatcher()
	}
	return i.repo.(repository.Namespaced).ListerWatcherIn(namespace)
}

// namespacesOf returns the namespaces to watch one by one; none means all.
func namespacesOf[T repository.Object](repo repository.Repository[T], wanted []string) ([]string, error) {
	namespaced, ok := repo.(repository.Namespaced)
	if !ok {
		if len(wanted) > 0 {
			return nil, fmt.Errorf("limit it to the namespaces %v: %T cannot list a single namespace (repository.Namespaced)", wanted, repo)
		}
		return nil, nil
	}
	confined := namespaced.Namespaces()
	if len(wanted) == 0 {
		return confined, nil
	}
	for _, namespace := range wanted {
		if len(confined) > 0 && !slices.Contains(confined, namespace) {
			return nil, fmt.Errorf("namespace %q: the repository is confined to %v", namespace, confined)
		}
	}
	if slices.Contains(wanted, metav1.NamespaceAll) {
		return nil, nil // all of them, the others included
	}
	return set.New(wanted...).SortedList(), nil
}
