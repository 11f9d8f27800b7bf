package trial

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/explore"
)

// Explored explores an operator that is right. With -short, which is for the race detector, less is tried.
func Explored[T explore.Object](t *testing.T, c explore.Case[T]) {
	t.Helper()
	var opts []explore.Option
	if testing.Short() {
		opts = []explore.Option{explore.Crashes(1)}
	}
	explore.Run(t, c, opts...)
}

// Finds explores an operator with a mistake, which the plan must show. With -short it does not.
func Finds[T explore.Object](t *testing.T, c explore.Case[T], plan string, opts ...explore.Option) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long with the race detector")
	}
	result, err := explore.Explore(t, c, opts...)
	require.NoError(t, err)
	var found []string
	for _, f := range result.Failures {
		found = append(found, f.Plan.String())
	}
	require.Contains(t, found, plan, "%s", result)
}
