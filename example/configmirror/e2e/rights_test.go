package e2e_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

// TestS1RightsAreExactlyThoseNeeded compares what a whole life of a mirror asks of
// the API server with what the role allows: nothing is refused, and nothing is
// allowed for no reason. A list is only asked of servers that cannot stream one.
func TestS1RightsAreExactlyThoseNeeded(t *testing.T) {
	s := newStory(t, "rights")
	op := start(t, newWire(), controller.Options{})
	s.tell(t)
	// What is said to be missing is looked for on the API server first.
	s.w.mirror(func(spec *v1alpha1.ConfigMirrorSpec) {
		spec.Source.Name = "absent"
		spec.Secret = &v1alpha1.SecretSource{Name: "absent"}
	})
	eventually(t, s.w.is(v1alpha1.ReasonSourceNotFound, 0))
	s.w.delete()
	op.stop(t)
	used, forbidden := op.wire.seen()
	require.Empty(t, forbidden)

	role, err := env.client.RbacV1().ClusterRoles().Get(t.Context(), "configmirror", metav1.GetOptions{})
	require.NoError(t, err)
	allowed := sets.New[string]()
	for _, rule := range role.Rules {
		if slices.Contains(rule.APIGroups, "events.k8s.io") {
			continue // those of the process, see TestS1TheProcessHasTheRightsThatItUses
		}
		require.NotContains(t, rule.Verbs, rbacv1.VerbAll)
		require.NotContains(t, rule.Resources, rbacv1.ResourceAll)
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				allowed.Insert(verb + " " + resource)
			}
		}
	}
	require.Empty(t, sets.List(used.Difference(allowed)), "used but not allowed")
	streamed := sets.New("list configmirrors", "list namespaces")
	require.Empty(t, sets.List(allowed.Difference(used).Difference(streamed)), "allowed but not used")
}
