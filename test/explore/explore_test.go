package explore_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func TestNotes(t *testing.T) {
	explore.Run(t, explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps", "secrets"),
		New:   newNotes,
		Script: []explore.Step{
			explore.Create(configMap("a", "k", "1")), explore.Settle(),
			explore.Update("a", set("k", "2")), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	})
}
