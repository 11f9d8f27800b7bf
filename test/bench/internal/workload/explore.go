package workload

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// exploration is how long a test of package explore takes: in each plan, something else goes wrong with an operator, and
// its whole script is run.
var exploration = Workload{
	Name:  "explore",
	About: "Package explore tries all single faults of an operator with 2, 20 or 60 writes",
	Full:  Size{Objects: 60}, Short: Size{Objects: 2},
	Rounds:     1,
	Contenders: []Contender{{Kuberator, runExplore}},
	Bars: []Bar{
		{Metric: "failures", AtMost: 0, Count: true},
		{Metric: "20 writes", AtMost: 2},
	},
	Chart: []string{"plans/s, 2 writes", "plans/s, 20 writes", "plans/s, 60 writes"},
}

// runExplore explores as a test does, in this process.
func runExplore(_ context.Context, p *Process) error {
	return inTest(func(t *testing.T) error {
		failures := 0
		for _, writes := range []int{2, 20, 60} {
			if writes > p.Size.Objects {
				break
			}
			result, err := explore.Explore(t, manyWrites(writes))
			if err != nil {
				return err
			}
			if result.Writes != writes {
				return fmt.Errorf("the operator wrote %d times, expected %d", result.Writes, writes)
			}
			name := fmt.Sprintf("%d writes", writes)
			p.Report(name, "s", result.Took.Seconds())
			p.Report("plans, "+name, "", float64(result.Plans))
			p.Report("plans/s, "+name, "/s", float64(result.Plans)/result.Took.Seconds())
			failures += len(result.Failures) + result.NotTried
		}
		p.Report("failures", "", float64(failures))
		return nil
	})
}

// inTest calls do as a test of go test is called, once in a process. The test never ends: its end is that of the
// process.
func inTest(do func(t *testing.T) error) error {
	ended := make(chan error, 1)
	test := func(t *testing.T) { //nolint:thelper // it is the test
		err := errors.New("the test was ended by itself")
		defer func() {
			ended <- err
			select {}
		}()
		err = do(t)
	}
	all := func(string, string) (bool, error) { return true, nil }
	go testing.Main(all, []testing.InternalTest{{Name: "Benchmark", F: test}}, nil, nil)
	return <-ended
}

// manyWrites is an operator that adds a finalizer to a ConfigMap, applies Secrets, and removes the finalizer.
func manyWrites(writes int) explore.Case[*corev1.ConfigMap] {
	return explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps", "secrets"),
		New: func(env *explore.Env) (explore.Process, error) {
			maps, err := kuberator.Repository[corev1.ConfigMap](env)
			if err != nil {
				return nil, err
			}
			secrets, err := kuberator.Repository[corev1.Secret](env)
			if err != nil {
				return nil, err
			}
			return controller.New(maps, controller.Funcs[*corev1.ConfigMap]{
				FinalizerName: "example.com/many",
				ApplyFunc: func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
					return controller.AwaitChange(), applySecrets(ctx, secrets, cm, writes-2)
				},
			}, &controller.Options{Logger: env.Logger()})
		},
		Script: []explore.Step{
			explore.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default"}}), explore.Settle(), explore.Delete("a"),
		},
	}
}

func applySecrets(ctx context.Context, secrets *repository.Live[*corev1.Secret], cm *corev1.ConfigMap, n int) error {
	for i := range n {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: fmt.Sprintf("%s-%d", cm.Name, i)}}
		s.APIVersion, s.Kind = "v1", "Secret"
		if err := repository.SetController(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"), s); err != nil {
			return err
		}
		if _, err := secrets.Apply(ctx, s, "many"); err != nil {
			return err
		}
	}
	return nil
}
