package explore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// The three classes of bugs of Sieve (Sun et al., "Automatic Reliability Testing for Cluster
// Management Controllers", OSDI 2022), each in an operator that works as long as nothing
// goes wrong.

// intermediate gives each ConfigMap a Secret with a generated name, and then notes the name
// in an annotation. A crash in between leaves a Secret that nobody knows of.
func intermediate(l *loop, ctx context.Context, key cache.ObjectName) error {
	cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
	if err != nil || cm.Annotations["example.com/secret"] != "" {
		return ignoreNotFound(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: key.Name + "-"}}
	if secret, err = l.client.CoreV1().Secrets(key.Namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	cm = cm.DeepCopy()
	metav1.SetMetaDataAnnotation(&cm.ObjectMeta, "example.com/secret", secret.Name)
	_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
	return err
}

// stale looks into its cache whether a ConfigMap has a Secret already. A cache that does not
// show its own write yet makes it create another one.
func stale(l *loop, ctx context.Context, key cache.ObjectName) error {
	cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
	if err != nil {
		return ignoreNotFound(err)
	}
	mine := labels.SelectorFromSet(labels.Set{"of": cm.Name})
	have, err := l.secrets.Secrets(key.Namespace).List(mine)
	if err != nil || len(have) > 0 {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: key.Name + "-", Labels: map[string]string{"of": cm.Name}}}
	_, err = l.client.CoreV1().Secrets(key.Namespace).Create(ctx, secret, metav1.CreateOptions{})
	return err
}

// unobserved deletes a ConfigMap's Secret when it sees that the ConfigMap is gone, and
// creates one when there is none. A ConfigMap that was deleted and created again, unseen,
// keeps the Secret of the one before it.
func unobserved(l *loop, ctx context.Context, key cache.ObjectName) error {
	cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return ignoreNotFound(l.client.CoreV1().Secrets(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{}))
	}
	if err != nil {
		return err
	}
	if _, err = l.secrets.Secrets(key.Namespace).Get(key.Name); !apierrors.IsNotFound(err) {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name}, Data: map[string][]byte{"k": []byte(cm.Data["k"])}}
	_, err = l.client.CoreV1().Secrets(key.Namespace).Create(ctx, secret, metav1.CreateOptions{})
	return err
}

func TestFindsBugsLikeSieve(t *testing.T) {
	life := []explore.Step{
		explore.Create(configMap("a", "k", "1")), explore.Settle(),
		explore.Delete("a"), explore.Settle(),
		explore.Create(configMap("a", "k", "2")), explore.Settle(),
	}
	edit := []explore.Step{
		explore.Create(configMap("a", "k", "1")), explore.Settle(),
		explore.Update("a", set("k", "2")), explore.Settle(),
	}
	for name, test := range map[string]struct {
		reconcile func(*loop, context.Context, cache.ObjectName) error
		script    []explore.Step
		by        string // a plan that must find it
		saying    string
	}{
		"intermediate state": {intermediate, edit, "create secrets default/a-*: committed+crash", "should not be there"},
		"stale state":        {stale, edit, "create secrets default/a-*: stale", "should not be there"},
		"unobserved state":   {unobserved, life, "step 3: gap", `data.k is "MQ==", and should be "Mg=="`},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := explore.Explore(t, explore.Case[*corev1.ConfigMap]{
				Kinds:  sim.Core("configmaps", "secrets"),
				New:    func(env *explore.Env) (explore.Process, error) { return newLoop(env, test.reconcile) },
				Script: test.script,
			})
			require.NoError(t, err)
			t.Logf("found in %d of %d plans: %s", len(result.Failures), result.Plans, result)
			found := map[string][]string{}
			for _, f := range result.Failures {
				found[f.Plan.String()] = f.Reasons
			}
			require.Contains(t, found, test.by)
			require.Contains(t, found[test.by][0], test.saying)
		})
	}
}
