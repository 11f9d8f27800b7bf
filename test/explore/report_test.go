package explore_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func intermediateCase() mapCase {
	return mapCase{
		Kinds: sim.Core("configmaps", "secrets"),
		New:   func(env *explore.Env) (explore.Process, error) { return newLoop(env, intermediate) },
		Script: []explore.Step{
			explore.Create(configMap("a", "k", "1")), explore.Settle(),
			explore.Update("a", set("k", "2")), explore.Settle(),
		},
	}
}

var duration = regexp.MustCompile(` in [0-9.]+m?s`)

// The guide shows a report: this one.
func TestReport(t *testing.T) {
	result, err := explore.Explore(t, intermediateCase(), explore.Only(explore.NotSentCrash, explore.CommittedCrash, explore.CommittedError))
	require.NoError(t, err)
	report := duration.ReplaceAllString(result.String(), " in 50ms")
	guide, err := os.ReadFile("../../docs/testing.md")
	require.NoError(t, err)
	require.Contains(t, string(guide), "```text\n"+report+"```", "docs/testing.md does not show what a report is: %s", report)
}

func TestOnePlanByFlag(t *testing.T) {
	require.NoError(t, flag.Set("explore.plan", "update configmaps default/a: not-sent+crash"))
	defer func() { require.NoError(t, flag.Set("explore.plan", "")) }()
	result, err := explore.Explore(t, intermediateCase())
	require.NoError(t, err)
	require.Equal(t, 1, result.Plans)
	require.Len(t, result.Failures, 1)
	require.Equal(t, "update configmaps default/a: not-sent+crash", result.Failures[0].Plan.String())

	require.NoError(t, flag.Set("explore.plan", "update a"))
	_, err = explore.Explore(t, intermediateCase())
	require.ErrorContains(t, err, `-explore.plan: plan "update a": "update a" is no fault`)
}

// A second crash, in the recovery from the first one.
func TestTwoCrashes(t *testing.T) {
	one, err := explore.Explore(t, bucketCase("example.com/buckets", true), explore.Crashes(1))
	require.NoError(t, err)
	two, err := explore.Explore(t, bucketCase("example.com/buckets", true), explore.Crashes(2))
	require.NoError(t, err)
	require.Empty(t, two.Failures, "%s", two)
	require.Greater(t, two.Plans, 4*one.Plans)
	require.Less(t, two.Idle, two.Plans/4, "most second crashes happen")
}

// A plan whose fault never comes is counted, and is not taken for a success.
func TestPlanThatDoesNotHappen(t *testing.T) {
	require.NoError(t, flag.Set("explore.plan", "update configmaps default/a #99: stale"))
	defer func() { require.NoError(t, flag.Set("explore.plan", "")) }()
	result, err := explore.Explore(t, intermediateCase())
	require.NoError(t, err)
	require.Equal(t, 1, result.Idle)
	require.Contains(t, strings.ToLower(result.String()), "the fault did not happen")
}
