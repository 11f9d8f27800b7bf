package finalizer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// late keeps a patch under way: the client does not hear of it, and the server carries it out when it is delivered.
type late struct {
	repository.Repository[*corev1.ConfigMap]

	deliver func() error
}

func (l *late) Patch(ctx context.Context, obj *corev1.ConfigMap, kind types.PatchType, patch []byte, sub ...string) (*corev1.ConfigMap, error) {
	if l.deliver != nil {
		return l.Repository.Patch(ctx, obj, kind, patch, sub...)
	}
	l.deliver = func() error {
		_, err := l.Repository.Patch(ctx, obj, kind, patch, sub...)
		return err
	}
	return nil, kerr.Mark(kerr.ClassAmbiguous, errors.New("the connection was lost"))
}

// relabel is somebody else's write.
func (b *harness) relabel(t *testing.T, label string) {
	t.Helper()
	patch := []byte(`{"metadata":{"labels":{"selected":"` + label + `"}}}`)
	_, err := b.maps.Patch(t.Context(), "name", types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(t, err)
}

func notSelected(cm *corev1.ConfigMap) error {
	if cm.Labels["selected"] == "yes" {
		return kerr.Mark(kerr.ClassConflict, errors.New("it is selected"))
	}
	return nil
}

// TestG22ALateRemovalSparesWhatWasChanged: the object was selected, and applied, before the server got to it. Kills:
// removals of finalizers of objects that go on living, without a test of the state.
func TestG22ALateRemovalSparesWhatWasChanged(t *testing.T) {
	b := setup(t, configMap(ours, theirs))
	l := &late{Repository: b.repo}
	_, err := finalizer.Release(t.Context(), l, ours, b.live(t), notSelected, b.clean)
	require.Equal(t, kerr.ClassAmbiguous, kerr.ClassOf(err))
	b.relabel(t, "yes")
	require.Error(t, l.deliver())
	require.Equal(t, []string{ours, theirs}, b.live(t).Finalizers)
}

// TestG22WhatIsSelectedDuringItsCleanupKeepsTheFinalizer. Kills: a selection that is only asked before.
func TestG22WhatIsSelectedDuringItsCleanupKeepsTheFinalizer(t *testing.T) {
	b := setup(t, configMap(ours))
	_, err := finalizer.Release(t.Context(), b.repo, ours, b.live(t), notSelected, func(ctx context.Context, cm *corev1.ConfigMap) (int, error) {
		b.relabel(t, "yes")
		return b.clean(ctx, cm)
	})
	require.ErrorContains(t, err, "it is selected")
	require.Equal(t, kerr.ClassConflict, kerr.ClassOf(err))
	require.Equal(t, []string{ours}, b.live(t).Finalizers)
}

// TestG22WhatItsCleanupChangedIsReleased all the same, in one attempt.
func TestG22WhatItsCleanupChangedIsReleased(t *testing.T) {
	b := setup(t, configMap(ours))
	_, err := finalizer.Release(t.Context(), b.repo, ours, b.live(t), notSelected, func(ctx context.Context, cm *corev1.ConfigMap) (int, error) {
		b.relabel(t, "no")
		return b.clean(ctx, cm)
	})
	require.NoError(t, err)
	require.Empty(t, b.live(t).Finalizers)
	require.Len(t, b.cleaned, 1)
}

func (b *harness) clean(_ context.Context, cm *corev1.ConfigMap) (int, error) {
	b.cleaned = append(b.cleaned, cm)
	return 0, nil
}
