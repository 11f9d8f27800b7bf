package explore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// What follows are operators that are correct, each in a way that is easily taken for a mistake.

// ensureSecret creates a Secret that is not there, as it is said by the server itself.
func ensureSecret(l *loop, ctx context.Context, namespace string, secret *corev1.Secret) error {
	secrets := l.client.CoreV1().Secrets(namespace)
	if _, err := secrets.Get(ctx, secret.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return err
	}
	_, err := secrets.Create(ctx, secret, metav1.CreateOptions{})
	return err
}

// A name with a time of a schedule, as Jobs of a CronJob have: who asks again in the same hour gets
// the same name.
func TestNamesWithATimeOfTheSchedule(t *testing.T) {
	hourly := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		for i, at := range []time.Time{time.Now().Truncate(12 * time.Hour), cm.CreationTimestamp.Time} {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d-%d", key.Name, i, at.Unix())}}
			if err := ensureSecret(l, ctx, key.Namespace, secret); err != nil {
				return err
			}
		}
		return nil
	}
	result := exploreLoop(t, hourly, script()[:2])
	require.Empty(t, result.Failures, "%s", result)
	require.Equal(t, 2, result.Writes)
}

// An operator whose cache still has a parent that is gone creates its child again, and the garbage
// collector takes that away again.
func TestChildrenThatAreCollected(t *testing.T) {
	looking := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		l.queue.AddAfter(key, 10*time.Second)
		owner := *metav1.NewControllerRef(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"))
		return ensureSecret(l, ctx, key.Namespace, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name, OwnerReferences: []metav1.OwnerReference{owner}}})
	}
	result := exploreLoop(t, looking, []explore.Step{explore.Create(configMap("a")), explore.Settle(), explore.Delete("a"), explore.Settle()})
	require.Empty(t, result.Failures, "%s", result)
}

// A write that comes long after the one before it, from a process that starts beside a server that is
// behind.
func TestAWriteThatComesLate(t *testing.T) {
	slowly := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil || cm.Annotations["late"] != "" {
			return ignoreNotFound(err)
		}
		if err := ensureSecret(l, ctx, key.Namespace, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name}}); err != nil {
			return err
		}
		if wait := 10*time.Second - time.Since(cm.CreationTimestamp.Time); wait > 0 {
			l.queue.AddAfter(key, wait)
			return nil
		}
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Patch(ctx, key.Name, types.MergePatchType, []byte(`{"metadata":{"annotations":{"late":"yes"}}}`), metav1.PatchOptions{})
		return err
	}
	result := exploreLoop(t, slowly, script()[:2])
	require.Empty(t, result.Failures, "%s", result)
	require.Zero(t, result.Idle)
}

// A script that uses a name again can do so only when the operator has let go of the first object: it
// does not see that one's end while its watches are held back.
func TestANameThatIsUsedAgain(t *testing.T) {
	explore.Run(t, mapCase{
		Kinds: sim.Core("configmaps", "secrets"), New: newGreeter,
		Script: []explore.Step{
			explore.Create(configMap("a", "name", "world")), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
			explore.Create(configMap("a", "name", "moon")), explore.Settle(),
		},
	})
}
