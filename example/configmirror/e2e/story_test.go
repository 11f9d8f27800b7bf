package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

// storyteller tells one story to operators that crash: a mirror's life, with every
// kind of write. Whatever happens to the operator, each step must end as it does
// without a crash.
type storyteller struct{ w *world }

func newStory(t *testing.T, name string) *storyteller {
	w := newWorld(t, name)
	w.namespace("a", nil)
	w.namespace("b", nil)
	return &storyteller{w}
}

// tell tells the story once. It can be told again in the same namespaces.
func (s *storyteller) tell(t *testing.T) {
	w := s.w
	w.label("a", w.name)
	w.label("b", w.name)
	w.configMap("source", map[string]string{"colour": "blue"})
	w.secret(corev1.SecretTypeOpaque, "one")
	w.mirror(func(spec *v1alpha1.ConfigMirrorSpec) { spec.Secret = &v1alpha1.SecretSource{Name: "password"} })
	eventually(t, w.copies("a", "b"))
	eventually(t, w.secrets("a", "b"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 4))

	w.configMap("source", map[string]string{"colour": "green"})
	w.secret(corev1.SecretTypeOpaque, "two")
	eventually(t, w.copies("a", "b"))
	eventually(t, w.secrets("a", "b"))

	w.label("b", "")
	eventually(t, w.copies("a"))
	eventually(t, w.secrets("a"))
	eventually(t, w.is(v1alpha1.ReasonMirrored, 2))

	w.delete()
	require.NoError(t, w.secrets()(t.Context()), "a Secret is left")
}
