package journal_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/internal/journal"
)

// TestG9AStateWithoutItsKindIsTheSame: clientsets decode the objects of a list without it, and those
// of events with it.
func TestG9AStateWithoutItsKindIsTheSame(t *testing.T) {
	before := object("u", "7")
	after := before.DeepCopy()
	after.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	require.Equal(t, journal.Same, journal.OrderOf(before, after))
	require.Equal(t, journal.Same, journal.OrderOf(after, before))
	require.NotEmpty(t, after.Kind, "it is not changed")
	after.Data = map[string]string{"k": "another"}
	require.Equal(t, journal.Rewritten, journal.OrderOf(before, after))
}
