package explore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func nothing(*loop, context.Context, cache.ObjectName) error { return nil }

// What a user adds and takes back, finalizers too, is no mistake of an operator that does nothing.
func TestAFinalizerThatAUserAddsIsTakenBack(t *testing.T) {
	result := exploreLoop(t, nothing, []explore.Step{
		explore.Create(configMap("a", "k", "1")), explore.Settle(),
		explore.Update("a", func(cm *corev1.ConfigMap) { cm.Finalizers = append(cm.Finalizers, "user.example.com/x") }), explore.Settle(),
	}, explore.Transitions())
	require.Empty(t, result.Failures, "%s", result)
	require.Equal(t, 1, result.Plans-result.Idle)
}

// What the server does not let anybody take back is not tried.
func TestAnUpdateThatCannotBeTakenBack(t *testing.T) {
	result := exploreLoop(t, nothing, []explore.Step{
		explore.Create(configMap("a", "k", "1")), explore.Settle(),
		explore.Update("a", func(cm *corev1.ConfigMap) { cm.Immutable = new(true) }), explore.Settle(),
	}, explore.Transitions())
	require.Empty(t, result.Failures, "%s", result)
	require.Equal(t, 1, result.Idle)
}

// A random value in one Secret hides nothing in another one.
func TestARandomFieldOfOneObjectHidesNothingInAnother(t *testing.T) {
	early := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		for name, value := range map[string]string{"-token": rand.Text(), "-config": "none"} {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name + name}, Data: map[string][]byte{"value": []byte(value)}}
			if err := ensureSecret(l, ctx, key.Namespace, secret); err != nil {
				return err
			}
		}
		if cm.Annotations["done"] == cm.Data["k"] {
			return nil
		}
		cm = cm.DeepCopy() // the mistake: it is noted before it is done
		metav1.SetMetaDataAnnotation(&cm.ObjectMeta, "done", cm.Data["k"])
		if _, err := l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{}); err != nil {
			return err
		}
		config, err := l.client.CoreV1().Secrets(key.Namespace).Get(ctx, key.Name+"-config", metav1.GetOptions{})
		if err != nil {
			return err
		}
		config.Data["value"] = []byte(cm.Data["k"])
		_, err = l.client.CoreV1().Secrets(key.Namespace).Update(ctx, config, metav1.UpdateOptions{})
		return err
	}
	result := exploreLoop(t, early, script()[:4], explore.Crashes(1))
	requireFound(t, result, "update configmaps default/a: committed+crash", "secrets default/a-config: data.value is")
}

// An update by which an object goes must not take the finalizers of others along.
func TestTheFinalizerOfAnotherAtTheEnd(t *testing.T) {
	const mine, others = "example.com/mine", "user.example.com/x"
	all := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil || cm.DeletionTimestamp == nil && len(cm.Finalizers) > 0 {
			return ignoreNotFound(err)
		}
		cm = cm.DeepCopy()
		if cm.Finalizers = []string{mine}; cm.DeletionTimestamp != nil {
			cm.Finalizers = nil // the mistake
		}
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
		return err
	}
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "secrets"), New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, all) },
		Script: []explore.Step{
			explore.Create(configMap("a", "k", "1")), explore.Settle(),
			explore.Irreversible(explore.Update("a", func(cm *corev1.ConfigMap) { cm.Finalizers = append(cm.Finalizers, others) })), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	})
	require.ErrorContains(t, err, "a process removes no finalizer that no process has added: update of configmaps default/a removes \""+others)
}

// A step that fails by itself is the script's mistake and not the operator's.
func TestAStepThatFailsByItself(t *testing.T) {
	runs := 0
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "secrets"), New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, mirror) },
		Script: []explore.Step{
			explore.Do("ask somebody", func(context.Context, *rest.Config) error {
				if runs++; runs > 4 {
					return errors.New("nobody is there")
				}
				return nil
			}),
			explore.Create(configMap("a", "k", "1")), explore.Settle(),
		},
	}, explore.Parallel(1))
	require.ErrorContains(t, err, "step 1 of the script, ask somebody: nobody is there")
}
