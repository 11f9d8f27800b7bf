package explore_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// pause sets the annotation to a value that is known only when the step is taken.
func pause(value func() string) func(*corev1.ConfigMap) {
	return func(cm *corev1.ConfigMap) {
		cm.Annotations = map[string]string{controller.PausedAnnotation: value()}
	}
}

// TestG21PausesExplored: an operator whose objects are paused is at rest, and what comes of a pause does not depend
// on crashes, lost answers and stale caches.
func TestG21PausesExplored(t *testing.T) {
	constant := func(value string) func() string { return func() string { return value } }
	soon := func() string { return time.Now().Add(10 * time.Minute).Format(time.RFC3339) }
	explore.Run(t, explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps", "secrets"),
		New:   newGreeter,
		Script: []explore.Step{
			explore.Create(configMap("a", "name", "world")), explore.Settle(),
			explore.Update("a", pause(constant("true"))), explore.Settle(),
			explore.Update("a", set("name", "moon")), explore.Settle(),
			explore.Update("a", pause(soon)), explore.Settle(),
			explore.Wait(20 * time.Minute), explore.Settle(),
			explore.Update("a", pause(constant("true"))), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	})
}
