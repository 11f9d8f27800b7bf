package explore_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func script() []explore.Step {
	return []explore.Step{
		explore.Create(configMap("a", "k", "1")), explore.Settle(),
		explore.Update("a", set("k", "2")), explore.Settle(),
		explore.Delete("a"), explore.Settle(),
		explore.Create(configMap("a", "k", "3")), explore.Settle(),
	}
}

// mirror keeps a Secret for each ConfigMap, correctly: it deletes by UID, and updates by
// resourceVersion, and a conflict is tried again.
func mirror(l *loop, ctx context.Context, key cache.ObjectName) error {
	cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		secret, err := l.secrets.Secrets(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return err
		}
		return ignoreNotFound(l.client.CoreV1().Secrets(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &secret.UID}}))
	}
	if err != nil {
		return err
	}
	secret, err := l.secrets.Secrets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name}, Data: map[string][]byte{"k": []byte(cm.Data["k"])}}
		_, err = l.client.CoreV1().Secrets(key.Namespace).Create(ctx, secret, metav1.CreateOptions{})
		return err
	}
	if err != nil || string(secret.Data["k"]) == cm.Data["k"] {
		return err
	}
	secret = secret.DeepCopy()
	secret.Data = map[string][]byte{"k": []byte(cm.Data["k"])}
	_, err = l.client.CoreV1().Secrets(key.Namespace).Update(ctx, secret, metav1.UpdateOptions{})
	return err
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// An operator does not need this library to be explored.
func TestPlainClientGo(t *testing.T) {
	explore.Run(t, explore.Case[*corev1.ConfigMap]{
		Kinds:  sim.Core("configmaps", "secrets"),
		New:    func(env *explore.Env) (explore.Process, error) { return newLoop(env, mirror) },
		Script: script(),
	})
}
