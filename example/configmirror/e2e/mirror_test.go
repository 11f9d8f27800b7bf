package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

func TestLifeCycle(t *testing.T) {
	w := newWorld(t, "life")
	op := operate(t)
	w.namespace("a", w.joined())
	w.namespace("b", w.joined())
	w.namespace("other", nil)
	w.configMap("source", map[string]string{"colour": "blue"})
	w.mirror(nil)
	eventually(t, w.copies("a", "b"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 2))

	w.configMap("source", map[string]string{"colour": "green", "more": "yes"})
	eventually(t, w.copies("a", "b"))

	w.delete()
	require.Equal(t, []string{"PATCH", "PATCH status", "PATCH"}, op.wire.writesTo(w.name))
}

func TestConflict(t *testing.T) {
	w := newWorld(t, "conflict")
	operate(t)
	w.namespace("free", w.joined())
	w.namespace("taken", w.joined())
	w.configMap("source", map[string]string{"colour": "blue"})
	w.configMap("taken", map[string]string{"colour": "theirs"})
	w.mirror(nil)
	eventually(t, w.is(v1alpha1.ReasonConflict, 1))
	eventually(t, w.copies("free"))
	m, err := w.get(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"ConfigMap " + w.full("taken") + "/settings"}, m.Status.Conflicts)
	require.Contains(t, m.Status.Conditions[0].Message, w.full("taken")+"/settings")

	theirs := env.client.CoreV1().ConfigMaps(w.full("taken"))
	found, err := theirs.Get(t.Context(), "settings", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, "theirs", found.Data["colour"])

	require.NoError(t, theirs.Delete(t.Context(), "settings", metav1.DeleteOptions{}))
	eventually(t, w.copies("free", "taken"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 2))
	w.delete()
}

func TestCopyTakenOverIsLeftAlone(t *testing.T) {
	w := newWorld(t, "takeover")
	operate(t)
	w.namespace("a", w.joined())
	w.configMap("source", map[string]string{"colour": "blue"})
	w.mirror(nil)
	eventually(t, w.copies("a"))

	copies := env.client.CoreV1().ConfigMaps(w.full("a"))
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:null}},"data":{"colour":"theirs"}}`, configmirror.LabelMirror)
	_, err := copies.Patch(t.Context(), "settings", types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(t, err)
	eventually(t, w.is(v1alpha1.ReasonConflict, 0))
	w.delete()
	found, err := copies.Get(t.Context(), "settings", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, "theirs", found.Data["colour"])
}

func TestCopyThatSomebodyChangesOrDeletesIsRestored(t *testing.T) {
	w := newWorld(t, "restore")
	operate(t)
	w.namespace("a", w.joined())
	w.configMap("source", map[string]string{"colour": "blue"})
	w.mirror(nil)
	eventually(t, w.copies("a"))

	copies := env.client.CoreV1().ConfigMaps(w.full("a"))
	_, err := copies.Patch(t.Context(), "settings", types.MergePatchType, []byte(`{"data":{"colour":"red","new":"x"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	eventually(t, w.copies("a"))
	require.NoError(t, copies.Delete(t.Context(), "settings", metav1.DeleteOptions{}))
	eventually(t, w.copies("a"))
	_, err = copies.Patch(t.Context(), "settings", types.MergePatchType, []byte(`{"data":{"colour":"red"},"immutable":true}`), metav1.PatchOptions{})
	require.NoError(t, err)
	eventually(t, w.copies("a"))
	w.delete()
}

func TestSourceDeletedAndRecreated(t *testing.T) {
	w := newWorld(t, "source")
	operate(t)
	w.namespace("a", w.joined())
	w.mirror(nil)
	eventually(t, w.is(v1alpha1.ReasonSourceNotFound, 0))
	w.configMap("source", map[string]string{"colour": "blue"})
	eventually(t, w.copies("a"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))

	sources := env.client.CoreV1().ConfigMaps(w.full("source"))
	require.NoError(t, sources.Delete(t.Context(), "settings", metav1.DeleteOptions{}))
	eventually(t, w.is(v1alpha1.ReasonSourceNotFound, 1))
	kept, err := env.client.CoreV1().ConfigMaps(w.full("a")).Get(t.Context(), "settings", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, "blue", kept.Data["colour"])

	w.configMap("source", map[string]string{"colour": "green"})
	eventually(t, w.copies("a"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))
	w.delete()
}

func TestSecret(t *testing.T) {
	w := newWorld(t, "secret")
	operate(t)
	w.namespace("a", w.joined())
	w.configMap("source", map[string]string{"colour": "blue"})
	w.secret(corev1.SecretTypeOpaque, "one")
	w.mirror(func(s *v1alpha1.ConfigMirrorSpec) { s.Secret = &v1alpha1.SecretSource{Name: "password"} })
	eventually(t, w.secrets("a"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 2))

	// A type cannot be changed: the copy is made anew.
	w.secret(corev1.SecretTypeBasicAuth, "two")
	eventually(t, w.secrets("a"))

	w.edit(func(s *v1alpha1.ConfigMirrorSpec) { s.Secret = nil })
	eventually(t, w.secrets())
	eventually(t, w.is(v1alpha1.ReasonMirrored, 1))
	w.edit(func(s *v1alpha1.ConfigMirrorSpec) { s.Secret = &v1alpha1.SecretSource{Name: "password"} })
	eventually(t, w.secrets("a"))
	w.delete()
	eventually(t, func(ctx context.Context) error { return w.secrets()(ctx) })
}
