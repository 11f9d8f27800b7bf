package configmirror_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// TestExplored crashes the operator at every write of a mirror's life, and whatever else
// can go wrong with it.
func TestExplored(t *testing.T) {
	known := runtime.NewScheme()
	require.NoError(t, corev1.AddToScheme(known))
	require.NoError(t, v1alpha1.AddToScheme(known))
	source := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"}, Data: map[string]string{"color": "red"}}
	mirror := &v1alpha1.ConfigMirror{ObjectMeta: metav1.ObjectMeta{Name: "settings"}}
	mirror.Spec.Source.Namespace, mirror.Spec.Source.Name = "shop", "settings"
	mirror.Spec.NamespaceSelector.MatchLabels = map[string]string{"team": "web"}
	copied := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "b", Name: "settings"}}
	script := []explore.Step{
		explore.Create(team("a")), explore.Create(team("b")), explore.Create(source),
		explore.Create(mirror), explore.Settle(),
		explore.UpdateObject(source, func(cm *corev1.ConfigMap) { cm.Data["color"] = "blue" }), explore.Settle(),
	}
	if !testing.Short() {
		script = append(script,
			explore.DeleteObject(copied), explore.Settle(), // somebody takes a copy away
			explore.UpdateObject(team("a"), func(ns *corev1.Namespace) { delete(ns.Labels, "team") }), explore.Settle())
	}
	explore.Run(t, explore.Case[*v1alpha1.ConfigMirror]{
		Kinds:  append(sim.Core("namespaces", "configmaps", "secrets"), sim.CRD(configmirror.CRD())...),
		Scheme: known,
		New: func(env *explore.Env) (explore.Process, error) {
			return configmirror.New(env.Config(), &controller.Options{Logger: env.Logger()})
		},
		Script: append(script, explore.Delete("settings"), explore.Settle()),
	})
}

func team(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "web"}}}
}
