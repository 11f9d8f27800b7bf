package configmirror

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// indexMirror finds the copies of a mirror by its UID.
const indexMirror = "mirror"

// copier keeps the copies of one kind.
//
// It decides on the cache, which shows what this process wrote. If another client was faster, the
// API server refuses the write, and the next attempt decides again.
type copier[T repository.Object] struct {
	content content[T]
	repo    *repository.Live[T]
	cache   *informer.Informer[T]
}

func newCopier[T repository.Object](repo *repository.Live[T], c content[T]) (copier[T], error) {
	cache, err := informer.New(repo, nil)
	if err != nil {
		return copier[T]{}, err
	}
	err = cache.AddIndex(indexMirror, func(obj T) []string {
		if uid, ok := obj.GetLabels()[LabelMirror]; ok {
			return []string{uid}
		}
		return nil
	})
	return copier[T]{content: c, repo: repo, cache: cache}, err
}

// sync makes the copies of the mirror those of its source in the namespaces, and no
// others. A nil source means that there shall be none.
func (c copier[T]) sync(ctx context.Context, mirror *v1alpha1.ConfigMirror, source *types.NamespacedName, namespaces sets.Set[string], out *outcome) {
	kept := c.prune(ctx, mirror, source, namespaces, out)
	if source == nil {
		return
	}
	original, err := c.cache.Get(ctx, *source)
	if apierrors.IsNotFound(err) {
		// The cache may be behind, and a status that says so would have to be taken back
		// a moment later: that is worth a live read.
		original, err = c.repo.Get(ctx, *source)
	}
	if err != nil {
		out.copies += kept
		out.noSource(c.describe(*source), err)
		return
	}
	for _, namespace := range sets.List(namespaces) {
		key := types.NamespacedName{Namespace: namespace, Name: source.Name}
		if key == *source {
			continue
		}
		found, err := c.ensure(ctx, mirror, original, key)
		out.found(c.describe(key), found, err)
	}
}

// prune removes the mirror's copies that have no business where they are, and
// returns how many it left.
func (c copier[T]) prune(ctx context.Context, mirror *v1alpha1.ConfigMirror, source *types.NamespacedName, namespaces sets.Set[string], out *outcome) (kept int32) {
	copies, err := c.cache.ByIndex(ctx, indexMirror, string(mirror.UID))
	out.failed(err)
	for _, obj := range copies {
		switch key := repository.Key(obj); {
		case source != nil && key == *source: // a copy that the spec by now names as the source
		case source != nil && key.Name == source.Name && namespaces.Has(key.Namespace):
			kept++
		default:
			out.failed(c.repo.Delete(ctx, obj, repository.IfUnchanged()))
		}
	}
	return kept
}

// ensure makes the object of that key an equal copy of the source, if it is the
// mirror's to write.
func (c copier[T]) ensure(ctx context.Context, mirror *v1alpha1.ConfigMirror, source T, key types.NamespacedName) (verdict, error) {
	have, err := c.cache.Get(ctx, key)
	switch {
	case apierrors.IsNotFound(err):
		return c.create(ctx, mirror, source, key)
	case err != nil:
		return none, err
	case !created(have, mirror.UID):
		return foreign, nil
	}
	want := have.DeepCopyObject().(T)
	c.content.fill(want, source)
	mark(want, mirror)
	switch {
	case equality.Semantic.DeepEqual(have, want):
		return equal, nil
	case !c.content.fixed(have, want):
		_, err := c.repo.Update(ctx, have, want)
		return equal, err
	case going(have):
		return none, fmt.Errorf("%s must be made anew, and a finalizer keeps it", c.describe(key))
	}
	if err := c.repo.Delete(ctx, have, repository.IfUnchanged()); err != nil {
		return none, err
	}
	return c.create(ctx, mirror, source, key)
}

func (c copier[T]) create(ctx context.Context, mirror *v1alpha1.ConfigMirror, source T, key types.NamespacedName) (verdict, error) {
	obj := c.content.blank()
	obj.SetNamespace(key.Namespace)
	obj.SetName(key.Name)
	c.content.fill(obj, source)
	mark(obj, mirror)
	_, err := c.repo.Create(ctx, obj)
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause), err != nil && kerr.ClassOf(err) == kerr.ClassNotFound:
		return none, nil // the namespace is going or gone
	case apierrors.IsAlreadyExists(err):
		if have, getErr := c.repo.Get(ctx, key); getErr == nil && !created(have, mirror.UID) {
			return foreign, nil
		}
	}
	return equal, err
}

// removeAll deletes all copies of the mirror, wherever they are.
//
// It lists them on the API server. A cache may not have a copy yet that a process created before
// it crashed; and once the finalizer is off, no event brings any process back to it. A copy that
// changes under it is a conflict, and the next attempt lists again.
func (c copier[T]) removeAll(ctx context.Context, mirror types.UID) error {
	copies, err := c.repo.List(ctx, metav1.NamespaceAll, metav1.ListOptions{LabelSelector: copiesOf(mirror).String()})
	failures := []error{err}
	for _, copied := range copies {
		failures = append(failures, c.repo.Delete(ctx, copied, repository.IfUnchanged()))
	}
	return join(failures)
}

// describe names an object in the status.
func (c copier[T]) describe(key types.NamespacedName) string {
	return c.repo.Kind().Kind + " " + key.String()
}
