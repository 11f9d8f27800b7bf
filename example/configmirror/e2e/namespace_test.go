package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

func TestNamespacesAppearAndChangeLabels(t *testing.T) {
	w := newWorld(t, "follow")
	operate(t)
	w.configMap("source", map[string]string{"colour": "blue"})
	w.label("source", w.name) // matches, and keeps its source
	w.mirror(nil)
	eventually(t, w.is(v1alpha1.ReasonMirrored, 0))
	w.namespace("new", w.joined())
	w.namespace("later", nil)
	eventually(t, w.copies("new"))
	w.label("later", w.name)
	eventually(t, w.copies("new", "later"))
	w.label("new", "")
	eventually(t, w.copies("later"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))
	w.delete()
}

func TestSelectorShrinks(t *testing.T) {
	w := newWorld(t, "shrink")
	operate(t)
	w.namespace("a", map[string]string{team: w.name, "size": "large"})
	w.namespace("b", w.joined())
	w.configMap("source", map[string]string{"colour": "blue"})
	w.mirror(nil)
	eventually(t, w.copies("a", "b"))
	w.edit(func(s *v1alpha1.ConfigMirrorSpec) { s.NamespaceSelector.MatchLabels["size"] = "large" })
	eventually(t, w.copies("a"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))
	w.delete()
}

func TestInvalidSelectorKeepsCopies(t *testing.T) {
	w := newWorld(t, "invalid")
	op := start(t, newWire(), controller.Options{})
	t.Cleanup(func() { op.stop(t) })
	w.namespace("a", w.joined())
	w.configMap("source", map[string]string{"colour": "blue"})
	w.mirror(nil)
	eventually(t, w.copies("a"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))
	w.edit(func(s *v1alpha1.ConfigMirrorSpec) {
		s.NamespaceSelector = metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}
	})
	eventually(t, w.is(v1alpha1.ReasonInvalidSelector, 1))
	m, err := w.get(t.Context())
	require.NoError(t, err)
	require.Contains(t, m.Status.LastError, `"Near" is not a valid label selector operator`)
	require.NoError(t, w.copies("a")(t.Context()))
	w.edit(func(s *v1alpha1.ConfigMirrorSpec) {
		s.NamespaceSelector = metav1.LabelSelector{MatchLabels: w.joined()}
	})
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))
	w.delete()
}

// TestNamespaceThatIsGoing has a namespace that cannot finish being deleted, where
// the API server refuses every create.
func TestNamespaceThatIsGoing(t *testing.T) {
	w := newWorld(t, "going")
	operate(t)
	w.namespace("a", w.joined())
	w.namespace("stuck", w.joined())
	w.configMap("source", map[string]string{"colour": "blue"})
	blockers := env.client.CoreV1().ConfigMaps(w.full("stuck"))
	blocker := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "blocker", Finalizers: []string{"example.com/blocks"}}}
	_, err := blockers.Create(t.Context(), blocker, metav1.CreateOptions{})
	require.NoError(t, err)
	w.mirror(nil)
	eventually(t, w.copies("a", "stuck"))

	require.NoError(t, env.client.CoreV1().Namespaces().Delete(t.Context(), w.full("stuck"), metav1.DeleteOptions{}))
	eventually(t, w.copies("a"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))
	w.configMap("source", map[string]string{"colour": "green"})
	eventually(t, w.copies("a"))
	_, err = blockers.Patch(t.Context(), "blocker", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	w.delete()
}
