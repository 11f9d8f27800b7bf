package explore_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// store is a fake of an external system.
type store struct {
	mu      sync.Mutex
	buckets map[string]string
}

func newStore() explore.External { return &store{buckets: map[string]string{}} }

func (s *store) Snapshot() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.buckets)
}

func (s *store) put(key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[key] = value
	return nil
}

func (s *store) remove(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.buckets[key]; !ok {
		return errors.New("no such bucket")
	}
	delete(s.buckets, key)
	return nil
}

// buckets keeps a bucket for each ConfigMap.
type buckets struct {
	link      *explore.Link
	finalizer string
	forgiving bool // a bucket that is gone is no error
}

func (b buckets) Finalizer() string { return b.finalizer }

func (b buckets) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	name := cm.Namespace + "/" + cm.Name
	return controller.AwaitChange(), b.link.Call(ctx, "put", name, func() error { return b.link.System().(*store).put(name, cm.Data["k"]) })
}

func (b buckets) Cleanup(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	name := cm.Namespace + "/" + cm.Name
	return controller.AwaitChange(), b.link.Call(ctx, "remove", name, func() error {
		if err := b.link.System().(*store).remove(name); !b.forgiving {
			return err
		}
		return nil
	})
}

func bucketCase(finalizer string, forgiving bool) mapCase {
	return mapCase{
		Kinds: sim.Core("configmaps"), External: map[string]func() explore.External{"s3": newStore},
		Invariants: []explore.Invariant{explore.FinalizerBeforeExternal("s3", "put")},
		New: func(env *explore.Env) (explore.Process, error) {
			repo, err := kuberator.Repository[corev1.ConfigMap](env)
			if err != nil {
				return nil, err
			}
			return controller.New(repo, buckets{env.External("s3"), finalizer, forgiving}, &controller.Options{Logger: env.Logger()})
		},
		Script: []explore.Step{
			explore.Create(configMap("a", "k", "1")), explore.Settle(),
			explore.Update("a", set("k", "2")), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
}

func TestExternalSystem(t *testing.T) {
	result, err := explore.Explore(t, bucketCase("example.com/buckets", true))
	require.NoError(t, err)
	require.Empty(t, result.Failures, "%s", result)
	require.Equal(t, 5, result.Writes, "the finalizer, two puts, a removal, the finalizer")
}

// Cleanup must be idempotent: an answer that is lost lets it run again.
func TestCleanupThatIsNotIdempotent(t *testing.T) {
	result, err := explore.Explore(t, bucketCase("example.com/buckets", false))
	require.NoError(t, err)
	var plans []string
	for _, f := range result.Failures {
		plans = append(plans, f.Plan.String())
	}
	require.Contains(t, plans, "s3: remove default/a: committed+crash")
	require.Contains(t, plans, "s3: remove default/a: committed+error")
	require.Contains(t, result.String(), "no such bucket")
}

func TestFinalizerBeforeExternal(t *testing.T) {
	_, err := explore.Explore(t, bucketCase(controller.NoFinalizer, true))
	require.ErrorContains(t, err, "nothing is made in s3 for an object without a finalizer: put default/a: the object has no finalizer")
}
