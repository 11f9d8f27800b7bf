package configmirror

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// prune removes the mirror's copies that have no business where they are, and
// returns how many it left. It asks the cache: a copy that is not there yet arrives
// with an event, which leads to another Apply.
func (c copier[T]) prune(ctx context.Context, mirror *v1alpha1.ConfigMirror, source *types.NamespacedName, namespaces map[string]bool, out *outcome) (kept int32) {
	for _, obj := range c.cache.ByIndex(ctx, indexMirror, string(mirror.UID)) {
		key := repository.Key(obj)
		if source != nil && key == *source {
			continue // a copy that the spec by now names as the source
		}
		if source != nil && key.Name == source.Name && namespaces[key.Namespace] {
			kept++
			continue
		}
		if err := c.remove(ctx, obj); err != nil {
			out.failed(err)
		}
	}
	return kept
}

// remove deletes a copy, unless it changed since the cache saw it: somebody may have
// taken it over by taking the label off. The change comes with an event, which leads
// to another Apply.
func (c copier[T]) remove(ctx context.Context, copied T) error {
	err := c.repo.DeleteUnchanged(ctx, copied)
	if kerr.ClassOf(err) == kerr.ClassConflict {
		return nil
	}
	return err
}

// removeAll deletes all copies of the mirror, wherever they are.
//
// It lists them on the API server. A cache may not have a copy yet that was created
// a moment ago, by this process or by one that crashed; and once the finalizer is
// off, no event brings anybody back to it. In Apply that is different, see prune.
// A copy that changes under it is a conflict, and the next attempt lists again.
func (c copier[T]) removeAll(ctx context.Context, mirror types.UID) error {
	copies, err := c.repo.List(ctx, metav1.NamespaceAll, metav1.ListOptions{LabelSelector: copiesOf(mirror).String()})
	failures := []error{err}
	for _, copied := range copies {
		failures = append(failures, c.repo.DeleteUnchanged(ctx, copied))
	}
	return join(failures)
}

// shown is how many errors or objects are named before the rest is counted.
const shown = 10

// join is errors.Join with a bound.
func join(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if more := len(errs) - shown; more > 0 {
		errs = append(errs[:shown:shown], fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}
