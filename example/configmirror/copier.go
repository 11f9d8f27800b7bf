package configmirror

import (
	"context"
	"errors"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// tries bounds how often a copy is decided on again with the live object, after the
// cached one turned out to be old. Then it is the queue's turn to wait.
const tries = 4

// copier keeps the copies of one kind.
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
func (c copier[T]) sync(ctx context.Context, mirror *v1alpha1.ConfigMirror, source *types.NamespacedName, namespaces map[string]bool) outcome {
	var out outcome
	kept := c.prune(ctx, mirror, source, namespaces, &out)
	if source == nil {
		return out
	}
	original, err := c.source(ctx, *source)
	switch {
	case kerr.ClassOf(err) == kerr.ClassGone && !errors.Is(err, kerr.ErrNotServed):
		out.missing = append(out.missing, c.describe(*source))
		out.copies = kept
		return out
	case err != nil:
		out.failed(err)
		out.copies = kept
		return out
	}
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		if namespace == source.Namespace {
			continue
		}
		key := types.NamespacedName{Namespace: namespace, Name: source.Name}
		found, err := c.ensure(ctx, mirror, original, key)
		switch {
		case err != nil:
			out.failed(err)
		case found == foreign:
			out.conflicts = append(out.conflicts, c.describe(key))
		case found == equal:
			out.copies++
		}
	}
	return out
}

// source returns the source. A cache that does not have it may be behind, and a
// status that says so would have to be taken back a moment later: that is worth a
// live read.
func (c copier[T]) source(ctx context.Context, key types.NamespacedName) (T, error) {
	if obj, ok := c.cache.Get(ctx, key); ok {
		return obj, nil
	}
	return c.repo.Get(ctx, key)
}

// verdict is what there is in the place of a copy.
type verdict int

const (
	none    verdict = iota // nothing, and nothing can be: the namespace is going
	equal                  // a copy that is equal to its source
	foreign                // an object that the mirror did not create
)

// ensure makes the object of that key an equal copy of the source, if it is the
// mirror's to write. It decides on the cached object first, and on the live one if
// the API server's answer shows that the cached one is old.
func (c copier[T]) ensure(ctx context.Context, mirror *v1alpha1.ConfigMirror, source T, key types.NamespacedName) (verdict, error) {
	have, exists := c.cache.Get(ctx, key)
	var last error
	for range tries {
		found, err := c.decide(ctx, mirror, source, key, have, exists)
		if err == nil || !outdated(err) {
			return found, err
		}
		last = err
		have, err = c.repo.Get(ctx, key)
		exists = err == nil
		if err != nil && kerr.ClassOf(err) != kerr.ClassGone {
			return none, err
		}
	}
	return none, last
}

// decide writes what makes have, which may not exist, a copy of source.
func (c copier[T]) decide(ctx context.Context, mirror *v1alpha1.ConfigMirror, source T, key types.NamespacedName, have T, exists bool) (verdict, error) {
	if !exists {
		return c.create(ctx, mirror, source, key)
	}
	if !created(have, mirror.UID) {
		return foreign, nil
	}
	want := have.DeepCopyObject().(T)
	c.content.fill(want, source)
	mark(want, mirror)
	if equality.Semantic.DeepEqual(have, want) {
		return equal, nil
	}
	if c.content.fixed(have, want) {
		if err := c.repo.DeleteUnchanged(ctx, have); err != nil {
			return none, err
		}
		return c.create(ctx, mirror, source, key)
	}
	_, err := c.repo.Update(ctx, have, want)
	return equal, err
}

func (c copier[T]) create(ctx context.Context, mirror *v1alpha1.ConfigMirror, source T, key types.NamespacedName) (verdict, error) {
	obj := c.content.blank()
	obj.SetNamespace(key.Namespace)
	obj.SetName(key.Name)
	c.content.fill(obj, source)
	mark(obj, mirror)
	_, err := c.repo.Create(ctx, obj)
	if namespaceGoing(err) {
		return none, nil // its last event leads to another Apply
	}
	return equal, err
}

// outdated tells an error that the live object explains: it exists, changed, or is
// gone, against what was decided on.
func outdated(err error) bool {
	class := kerr.ClassOf(err)
	return class == kerr.ClassConflict || class == kerr.ClassGone && !errors.Is(err, kerr.ErrNotServed)
}

// namespaceGoing tells that nothing can be created because the namespace is gone or
// being deleted.
func namespaceGoing(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) ||
		err != nil && kerr.ClassOf(err) == kerr.ClassGone && !errors.Is(err, kerr.ErrNotServed)
}

// describe names an object in the status.
func (c copier[T]) describe(key types.NamespacedName) string {
	return c.repo.Kind().Kind + " " + key.String()
}
