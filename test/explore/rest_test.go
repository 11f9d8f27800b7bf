package explore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// An operator that looks after its Secret every five minutes, and writes what is there already, is at rest.
// Its next write that changes something has the same number in each run.
func TestPeriodicWritesThatChangeNothing(t *testing.T) {
	ensure := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		l.queue.AddAfter(key, 5*time.Minute)
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name}, Data: map[string][]byte{"k": []byte(cm.Data["k"])}}
		client := l.client.CoreV1().Secrets(key.Namespace)
		if _, err = client.Create(ctx, secret, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) {
			_, err = client.Update(ctx, secret, metav1.UpdateOptions{})
		}
		return err
	}
	result, err := explore.Explore(t, loopCase(ensure, script()[:4]), explore.Crashes(1))
	require.NoError(t, err)
	require.Empty(t, result.Failures, "%s", result)
	require.Zero(t, result.Idle, "each fault happened")
}

// A conflict that a stale cache leads to is over soon. One that is not is an alarm.
func TestErrorsInTheLogThatPass(t *testing.T) {
	logging := func(times int) error {
		_, err := explore.Explore(t, mapCase{
			Kinds: sim.Core("configmaps", "secrets"), Script: script()[:2],
			New: func(env *explore.Env) (explore.Process, error) {
				log, left := env.Logger(), times
				return newLoop(env, func(_ *loop, _ context.Context, key cache.ObjectName) error {
					if left--; left < 0 {
						return nil
					}
					conflict := apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, key.Name, nil)
					log.Error("try again", zap.Error(conflict))
					return conflict
				})
			},
		}, explore.Only())
		return err
	}
	require.NoError(t, logging(5))
	require.ErrorContains(t, logging(20), "it logs an error, though nothing has gone wrong: log: try again error=Operation cannot be fulfilled on configmaps")
}

// A mapper knows what is served, and sends no requests.
func TestMapper(t *testing.T) {
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "deployments.apps", "nodes"), Script: script()[:2],
		New: func(env *explore.Env) (explore.Process, error) {
			mapping, err := env.Mapper().RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"})
			require.NoError(t, err)
			require.Equal(t, appsv1.SchemeGroupVersion.WithResource("deployments"), mapping.Resource)
			require.Equal(t, "namespace", string(mapping.Scope.Name()))
			mapping, err = env.Mapper().RESTMapping(schema.GroupKind{Kind: "Node"}, "v1")
			require.NoError(t, err)
			require.Equal(t, "root", string(mapping.Scope.Name()))
			_, err = env.Mapper().RESTMapping(schema.GroupKind{Kind: "Secret"})
			require.Error(t, err)
			return idle(nil)
		},
	}, explore.Only())
	require.NoError(t, err)
}

// Another controller writes a status; the script looks at it.
func TestUpdateObjectStatus(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "d"}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
	d.Spec.Template.Labels = d.Spec.Selector.MatchLabels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "deployments.apps"),
		New:   func(*explore.Env) (explore.Process, error) { return idle(nil) },
		Script: []explore.Step{
			explore.Create(d),
			explore.UpdateObjectStatus(d, func(d *appsv1.Deployment) { d.Status.Replicas = 2 }),
			explore.Do("look", func(ctx context.Context, cfg *rest.Config) error {
				got, err := kubernetes.NewForConfigOrDie(cfg).AppsV1().Deployments("default").Get(ctx, "d", metav1.GetOptions{})
				require.NoError(t, err)
				require.EqualValues(t, 2, got.Status.Replicas)
				return nil
			}),
		},
	}, explore.Only())
	require.NoError(t, err)
}
