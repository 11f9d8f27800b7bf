package explore_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// applied is a reconciler that only applies.
type applied func(context.Context, *corev1.ConfigMap) error

func (applied) Finalizer() string { return controller.NoFinalizer }

func (f applied) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), f(ctx, cm)
}

func (applied) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// Each test is an operator that is wrong in one way, for which one of the things that must
// hold is there.

type reconcile = func(*loop, context.Context, cache.ObjectName) error

func exploreLoop(t *testing.T, r reconcile, steps []explore.Step, opts ...explore.Option) *explore.Result {
	t.Helper()
	result, err := explore.Explore(t, loopCase(r, steps), opts...)
	require.NoError(t, err)
	return result
}

// loopCase is a loop over ConfigMaps and Secrets.
func loopCase(r reconcile, steps []explore.Step) mapCase {
	return mapCase{
		Kinds: sim.Core("configmaps", "secrets"), Script: steps,
		New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, r) },
	}
}

func requireFound(t *testing.T, result *explore.Result, plan, reason string) {
	t.Helper()
	for _, f := range result.Failures {
		if f.Plan.String() == plan {
			require.Contains(t, strings.Join(f.Reasons, "\n"), reason)
			return
		}
	}
	require.Fail(t, "not found", "by plan %s: %s", plan, result)
}

// It writes the whole object as it was read, without its resourceVersion.
func TestLostUpdate(t *testing.T) {
	overwrite := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil || cm.Data["done"] != "" {
			return ignoreNotFound(err)
		}
		cm = cm.DeepCopy()
		cm.ResourceVersion, cm.Data["done"] = "", "yes"
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
		return err
	}
	result := exploreLoop(t, overwrite, script()[:2])
	requireFound(t, result, "update configmaps default/a: conflict", "lost update: update configmaps default/a by p1 has removed the annotation")
}

// What it leaves is right, but it deletes and creates anew what was there already.
func TestCountsMatter(t *testing.T) {
	anew := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		secrets := l.client.CoreV1().Secrets(key.Namespace)
		cm, err := l.client.CoreV1().ConfigMaps(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
		if err != nil || cm.Annotations["done"] != "" {
			return ignoreNotFound(err)
		}
		if err := ignoreNotFound(secrets.Delete(ctx, key.Name, metav1.DeleteOptions{})); err != nil {
			return err
		}
		if _, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name}}, metav1.CreateOptions{}); err != nil {
			return err
		}
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Patch(ctx, key.Name, types.MergePatchType, []byte(`{"metadata":{"annotations":{"done":"yes"}}}`), metav1.PatchOptions{})
		return err
	}
	result := exploreLoop(t, anew, script()[:2], explore.Crashes(1))
	requireFound(t, result, "create secrets default/a: committed+crash", "the operator has created secrets default/a 2 times, and once in a run without faults")
	requireFound(t, result, "create secrets default/a: committed+crash", "the operator has deleted secrets default/a once, and never in a run without faults")
}

// It forgets what it has to take away when it is not asked to have it any more.
func TestRevert(t *testing.T) {
	grow := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		name := key.Name + "-" + cm.Data["k"]
		if _, err := l.secrets.Secrets(key.Namespace).Get(name); !apierrors.IsNotFound(err) {
			return err
		}
		_, err = l.client.CoreV1().Secrets(key.Namespace).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		return err
	}
	result := exploreLoop(t, grow, script()[:4], explore.Transitions())
	requireFound(t, result, "step 3: revert", "secrets default/a-2: should not be there")
	require.Equal(t, 1, result.Plans)
}

// It takes everybody's finalizers off.
func TestFinalizersOfOthers(t *testing.T) {
	strip := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil || cm.DeletionTimestamp == nil {
			return ignoreNotFound(err)
		}
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Patch(ctx, key.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/b"]}}`), metav1.PatchOptions{})
		return err
	}
	held := configMap("a", "k", "1")
	held.Finalizers = []string{"example.com/a", "example.com/b"}
	_, err := explore.Explore(t, loopCase(strip, []explore.Step{explore.Create(held), explore.Delete("a")}))
	require.ErrorContains(t, err, `a process removes no finalizer that no process has added: patch of configmaps default/a removes "example.com/a"`)
}

// A second process does what the first one is doing, and both leave it.
func TestSecondLeader(t *testing.T) {
	result := exploreLoop(t, intermediate, script()[:2], explore.TwoLeaders())
	requireFound(t, result, "create secrets default/a-*: second-leader", "secrets default/a-*#2: should not be there")
}

// It gives up after an error.
func TestGivesUp(t *testing.T) {
	once := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		if err := mirror(l, ctx, key); err != nil {
			l.queue.Forget(key)
		}
		return nil
	}
	result := exploreLoop(t, once, script()[:2], explore.Errors())
	requireFound(t, result, "create secrets default/a: rejected-500", "secrets default/a: is missing")
	for _, f := range result.Failures {
		require.NotEqual(t, "create secrets default/a: committed+error", f.Plan.String(), "it has taken effect")
	}
}

// It calls an external system that it does not call without faults.
func TestCallsOfExternalSystems(t *testing.T) {
	c := bucketCase("example.com/buckets", true)
	c.Invariants = nil
	c.New = func(env *explore.Env) (explore.Process, error) {
		link := env.External("s3")
		return newLoop(env, func(l *loop, ctx context.Context, key cache.ObjectName) error {
			if _, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name); err != nil {
				return ignoreNotFound(err)
			}
			err := link.Call(ctx, "put", key.String(), func() error { return link.System().(*store).put(key.String(), "1") })
			if err != nil {
				return errors.Join(err, link.Call(ctx, "alarm", key.String(), func() error { return nil }))
			}
			return nil
		})
	}
	c.Kinds, c.Script = sim.Core("configmaps", "secrets"), script()[:2]
	result, err := explore.Explore(t, c, explore.Errors())
	require.NoError(t, err)
	requireFound(t, result, "s3: put default/a: committed+error", "the operator has called s3: alarm default/a, which it does not do without faults")
}

// What it reads is not there yet, which its cache will tell it in a moment: who tries again a few times is
// right, also if the library logs each of them, and who does so for ever is not.
func TestErrorsThatPass(t *testing.T) {
	passes := func(times int32) mapCase {
		return mapCase{
			Kinds: sim.Core("configmaps", "secrets"), Script: script()[:2],
			New: func(env *explore.Env) (explore.Process, error) {
				maps, secrets, err := mapsAndSecrets(env)
				if err != nil {
					return nil, err
				}
				var tried atomic.Int32
				return controller.New(maps, applied(func(ctx context.Context, cm *corev1.ConfigMap) error {
					if tried.Add(1) > times {
						return nil
					}
					_, err := secrets.Get(ctx, repository.Key(cm))
					return err
				}), &controller.Options{Logger: env.Logger()})
			},
		}
	}
	_, err := explore.Explore(t, passes(3), explore.Crashes(0))
	require.NoError(t, err)
	_, err = explore.Explore(t, passes(100), explore.Crashes(0))
	require.ErrorContains(t, err, "it logs an error, though nothing has gone wrong: log: attempt failed")
}

// It does nothing, and says why: without faults that is one.
func TestErrorsInTheLog(t *testing.T) {
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "secrets"), Script: script()[:2],
		New: func(env *explore.Env) (explore.Process, error) {
			log := env.Logger()
			return newLoop(env, func(*loop, context.Context, cache.ObjectName) error {
				log.Error("cannot do it")
				return nil
			})
		},
	})
	require.ErrorContains(t, err, "it logs an error, though nothing has gone wrong: log: cannot do it")
}

// Each plan is told from the others by its name, and all of them happen.
func TestAllPlansHappen(t *testing.T) {
	result := exploreLoop(t, mirror, script())
	require.Empty(t, result.Failures, "%s", result)
	require.Zero(t, result.Idle)
	require.Equal(t, 4, result.Writes)
}
