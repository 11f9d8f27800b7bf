package explore_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// Each refusal is tried at each write: an operator can handle one and not the other.
func TestEachRefusalAtEachWrite(t *testing.T) {
	creates := []string{"create secrets default/a", "create secrets default/a #2"}
	others := []string{"update secrets default/a", "delete secrets default/a"}
	for kind, test := range map[explore.FaultKind]struct {
		is    func(error) bool
		wants []string
	}{
		explore.Rejected409: {apierrors.IsConflict, others},
		explore.Rejected500: {apierrors.IsInternalError, slices.Concat(creates, others)},
		explore.Rejected504: {apierrors.IsTimeout, slices.Concat(creates, others)},
		explore.Rejected429: {apierrors.IsTooManyRequests, nil}, // client-go sends the request again
	} {
		forgetful := func(l *loop, ctx context.Context, key cache.ObjectName) error {
			if err := mirror(l, ctx, key); !test.is(err) {
				return err
			}
			return nil // and it never tries again
		}
		result := exploreLoop(t, forgetful, script(), explore.Only(kind))
		var found []string
		for _, f := range result.Failures {
			found = append(found, f.Plan[0].At)
		}
		require.ElementsMatch(t, test.wants, found, "%s: %s", kind, result)
		require.Zero(t, result.Idle)
		require.Equal(t, map[bool]int{true: 2, false: 4}[kind == explore.Rejected409], result.Plans)
	}
}

// crowd writes with several workers, in an order that differs from run to run. Its mistake: it takes
// the answer that a Secret exists already for a success, whatever is in it.
type crowd struct{ greeter }

func (c crowd) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond) //nolint:gosec // no secret
	s := c.secret(cm)
	s.Data["by"] = []byte(cm.Annotations["attempt"])
	_, err := c.secrets.Create(ctx, s)
	if apierrors.IsAlreadyExists(err) {
		err = nil
	}
	return controller.AwaitChange(), err
}

func crowdCase() mapCase {
	c := mapCase{Kinds: sim.Core("configmaps", "secrets"), New: func(env *explore.Env) (explore.Process, error) {
		configMaps, secrets, err := mapsAndSecrets(env)
		if err != nil {
			return nil, err
		}
		return controller.New(configMaps, crowd{greeter{secrets}}, &controller.Options{Logger: env.Logger(), Workers: 4})
	}}
	for i := range 6 {
		c.Script = append(c.Script, explore.Create(configMap(fmt.Sprintf("m%d", i), "name", "world")))
	}
	c.Script = append(c.Script, explore.Settle(), explore.Update("m3", set("name", "moon")), explore.Settle())
	return c
}

// A plan names a write by what it does, so that it hits the same one in each run, whichever worker is
// first.
func TestAPlanHitsTheSameWriteInEachRun(t *testing.T) {
	runs := 100
	if testing.Short() {
		runs = 10
	}
	const plan = "create secrets default/m3: committed+crash"
	require.NoError(t, flag.Set("explore.plan", plan))
	defer func() { require.NoError(t, flag.Set("explore.plan", "")) }()
	for range runs {
		result, err := explore.Explore(t, crowdCase())
		require.NoError(t, err)
		require.Zero(t, result.Idle)
		require.Empty(t, result.Failures, "%s", result)
	}
}

// wrongSometimes is wrong in the n-th process that a test starts, without any fault.
func wrongSometimes(n int) func(env *explore.Env) (explore.Process, error) {
	started := 0 // a variable that outlives a run is a mistake of the test, which stands for chance
	return func(env *explore.Env) (explore.Process, error) {
		started++
		wrong := started == n
		return newLoop(env, func(l *loop, ctx context.Context, key cache.ObjectName) error {
			if cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name); err == nil && wrong && cm.Data["k"] == "1" {
				return ensureSecret(l, ctx, key.Namespace, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "wrong"}})
			}
			return mirror(l, ctx, key)
		})
	}
}

// What is wrong before a fault happens is not blamed on it.
func TestAFailureIsNotBlamedOnALaterFault(t *testing.T) {
	result, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "secrets"), New: wrongSometimes(5), Script: script()[:4],
	}, explore.Transitions(), explore.Parallel(1))
	require.NoError(t, err)
	require.Len(t, result.Failures, 1)
	require.Empty(t, result.Failures[0].Plan)
	require.Contains(t, result.String(), "The simplest is none: it was wrong before anything went wrong, though not in each run. The operator has a race of its own")
}

// An operator whose result depends on which of its watches is first is told that, with both runs.
func TestARaceOfTheOperatorIsToldAsThat(t *testing.T) {
	first := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil || cm.Data["first"] != "" {
			return ignoreNotFound(err)
		}
		cm = cm.DeepCopy()
		cm.Data["first"] = "the map"
		if _, err := l.secrets.Secrets(key.Namespace).Get(key.Name); err == nil {
			cm.Data["first"] = "the secret"
		}
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
		return err
	}
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "secrets"), New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, first) },
		Script: []explore.Step{
			explore.Create(configMap("b", "k", "1")), explore.Settle(),
			explore.Create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "a"}}), explore.Create(configMap("a", "k", "1")), explore.Settle(),
		},
	})
	require.ErrorContains(t, err, "two runs without faults differ in what they leave after the 2nd settle: configmaps default/a: data.first is")
	require.ErrorContains(t, err, "The operator has a race of its own")
	for _, run := range []string{"The first run:", "The second run, in which other things take time:"} {
		_, trace, _ := strings.Cut(err.Error(), run)
		require.Contains(t, trace, "update configmaps default/a", run)
	}
}

// An operator that updates its own object on each event lets no virtual time pass.
func TestHotLoop(t *testing.T) {
	hot := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		cm = cm.DeepCopy()
		cm.Data["seen"] += "." // a time, in real operators
		cm.Data["seen"] = cm.Data["seen"][max(0, len(cm.Data["seen"])-1-len(cm.ResourceVersion)%2):] + cm.ResourceVersion
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
		return ignoreConflict(err)
	}
	_, err := explore.Explore(t, loopCase(hot, script()[:2]))
	require.ErrorContains(t, err, "hot loop: 1000 times update configmaps default/a in one instant, 0s after the run began")
	require.ErrorContains(t, err, "The last requests: update configmaps default/a; ")
}

func ignoreConflict(err error) error {
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// One that reads again and again does not either.
func TestHotLoopOfReads(t *testing.T) {
	long(t)
	polling := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		l.queue.Add(key)
		_, err := l.client.CoreV1().Secrets(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
		return ignoreNotFound(err)
	}
	_, err := explore.Explore(t, loopCase(polling, script()[:2]))
	require.ErrorContains(t, err, "hot loop: 10000 times get secrets default/a in one instant")
}

// A loop with a moment in between does let time pass, so little that it would take all night.
func TestALoopWithShortWaits(t *testing.T) {
	long(t)
	short := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		cm = cm.DeepCopy()
		cm.Data["seen"] = cm.ResourceVersion
		time.Sleep(time.Millisecond)
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
		return ignoreConflict(err)
	}
	_, err := explore.Explore(t, loopCase(short, script()[:2]))
	require.ErrorContains(t, err, "the operator never settles: 2000 times update configmaps default/a, 2s after the run began")
}
