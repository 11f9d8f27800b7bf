package explore

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// remember returns what puts the object of a step back to its state of now.
func (w *world) remember(ctx context.Context, u *user, step Step) func() error {
	s, ok := step.(updateStep)
	if !ok {
		return nil
	}
	target, in, err := u.target(s.object, s.name)
	if err != nil {
		return nil
	}
	was, err := in.Get(ctx, target.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return func() error {
		gvr, _, err := u.world.mapping(target.GroupVersionKind())
		if err != nil {
			return err
		}
		after := w.history.lastOf("user", ref{gvr.GroupResource(), types.NamespacedName{Namespace: target.GetNamespace(), Name: target.GetName()}})
		for {
			now, err := in.Get(ctx, target.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			for key := range union(was.Object, now.Object) {
				if key == "metadata" || key == "status" && len(s.subresources) == 0 {
					continue
				}
				if value, had := was.Object[key]; had {
					now.Object[key] = value
				} else {
					delete(now.Object, key)
				}
			}
			now.SetLabels(was.GetLabels())
			now.SetAnnotations(was.GetAnnotations())
			now.SetFinalizers(undone(was.GetFinalizers(), after, now.GetFinalizers()))
			if _, err = in.Update(ctx, now, metav1.UpdateOptions{}, s.subresources...); !isConflict(err) {
				return err
			}
		}
	}
}

// undone returns the finalizers of now without those that a step has added, and with those that it has
// removed: others' stay.
func undone(was []string, after *unstructured.Unstructured, now []string) []string {
	if after == nil {
		return now
	}
	left := slices.DeleteFunc(slices.Clone(now), func(f string) bool {
		return slices.Contains(after.GetFinalizers(), f) && !slices.Contains(was, f)
	})
	for _, f := range was {
		if !slices.Contains(after.GetFinalizers(), f) && !slices.Contains(left, f) {
			left = append(left, f)
		}
	}
	return left
}
