package configmirror

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/status"
)

// TestG21APausedMirrorSaysSo, copies nothing, and catches up.
func TestG21APausedMirrorSaysSo(t *testing.T) {
	operate(t, nil, func(t *testing.T, w *world) {
		pause := func(value string) *v1alpha1.ConfigMirror {
			patch := `{"metadata":{"annotations":{"` + controller.PausedAnnotation + `":` + value + `}}}`
			_, err := w.mirrors.Patch(t.Context(), w.mirror(t), types.MergePatchType, []byte(patch))
			require.NoError(t, err)
			synctest.Wait()
			return w.mirror(t)
		}
		w.forget()
		require.True(t, meta.IsStatusConditionTrue(pause(`"true"`).Status.Conditions, status.ConditionPaused))
		w.put(t, namespace("web-2", map[string]string{"team": "web"}))
		w.edit(t, func(s *v1alpha1.ConfigMirrorSpec) {
			s.NamespaceSelector.MatchLabels = map[string]string{"team": "other"}
		})
		require.Equal(t, []string{"patch configmirrors/status", "patch configmirrors/status"}, w.writes())
		m := w.mirror(t)
		require.Less(t, m.Status.ObservedGeneration, m.Generation)

		m = pause("null")
		require.Nil(t, meta.FindStatusCondition(m.Status.Conditions, status.ConditionPaused))
		require.Equal(t, m.Generation, m.Status.ObservedGeneration)
		require.Zero(t, m.Status.Copies)
	})
}
