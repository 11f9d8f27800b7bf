package explore_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// The whole test of an operator. newGreeter makes it as its main function does.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestGreeter(t *testing.T) {
		explore.Run(t, explore.Case[*corev1.ConfigMap]{
			Kinds: sim.Core("configmaps", "secrets"),
			New:   newGreeter,
			Script: []explore.Step{
				explore.Create(configMap("a", "name", "world")), explore.Settle(),
				explore.Update("a", set("name", "moon")), explore.Settle(),
				explore.Delete("a"), explore.Settle(),
			},
		})
	}
}

// A plan is what a report names, and what the flag -explore.plan takes.
func ExampleParsePlan() {
	plan, err := explore.ParsePlan("create secrets default/a: committed+crash; update configmaps default/a #2: rejected-409")
	for _, fault := range plan {
		fmt.Println(fault.At, "|", fault.Kind == explore.CommittedCrash)
	}
	fmt.Println(err)
	// Output:
	// create secrets default/a | true
	// update configmaps default/a #2 | false
	// <nil>
}
