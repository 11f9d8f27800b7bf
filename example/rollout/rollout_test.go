package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/test/sim"
)

func kinds() []sim.Kind {
	return sim.Core("deployments.apps", "statefulsets.apps", "daemonsets.apps", "configmaps", "secrets")
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }

func settings(color string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: named("settings"), Data: map[string]string{"color": color}}
}

func token(value string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: named("token"), Data: map[string][]byte{"token": []byte(value)}}
}

// pods uses the ConfigMap settings and the Secret token.
func pods() corev1.PodTemplateSpec {
	pods := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}}
	pods.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}}
	pods.Spec.Containers = []corev1.Container{{Name: "main", Image: "web", EnvFrom: []corev1.EnvFromSource{{
		SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "token"}},
	}}}}
	return pods
}

func web() *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: named("web")}
	d.Annotations = map[string]string{AnnotationOn: "true"}
	d.Spec.Selector, d.Spec.Template = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, pods()
	return d
}

func TestUses(t *testing.T) {
	ref := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	optional := new(true)
	pod := &corev1.PodSpec{
		ImagePullSecrets: []corev1.LocalObjectReference{ref("registry")},
		Volumes: []corev1.Volume{
			{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref("a")}}},
			{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "b", Optional: optional}}},
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: ref("c"), Optional: optional}},
				{Secret: &corev1.SecretProjection{LocalObjectReference: ref("d")}},
			}}}},
		},
		InitContainers: []corev1.Container{{
			EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: ref("e")}}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: ref("f")}}},
		}},
		Containers: []corev1.Container{{Env: []corev1.EnvVar{
			{Name: "plain"},
			{ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: ref("c")}}},
			{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref("g"), Optional: optional}}},
		}}},
	}
	require.Equal(t, map[use]bool{
		{"ConfigMap", "a"}: true, {"Secret", "b"}: false, {"ConfigMap", "c"}: true, {"Secret", "d"}: true,
		{"ConfigMap", "e"}: true, {"Secret", "f"}: true, {"Secret", "g"}: false,
	}, usesOf(pod))
}

// With the rights of the manifests: all three kinds get the hash when everything is there, and another one when
// the content changes; nothing else of the template changes, and workloads that do not ask for it stay.
func TestWorkloadsAreRestarted(t *testing.T) {
	p := trial.Of(program())
	synctest.Test(t, func(t *testing.T) {
		events := &event.FakeRecorder{}
		trial.Run(t, kinds(), p, func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
			all, err := newControllers(cfg, events, func() *controller.Options { return opts })
			return controller.RunnerFunc(func(ctx context.Context) error { return controller.RunAll(ctx, all...) }), err
		}, func(ctx context.Context, cfg *rest.Config) {
			client := kubernetes.NewForConfigOrDie(cfg)
			apps, core := client.AppsV1(), client.CoreV1()
			other := web()
			other.Name, other.Annotations = "other", nil
			for _, d := range []*appsv1.Deployment{web(), other} {
				_, err := apps.Deployments("default").Create(ctx, d, metav1.CreateOptions{})
				require.NoError(t, err)
			}
			stateful := &appsv1.StatefulSet{ObjectMeta: web().ObjectMeta, Spec: appsv1.StatefulSetSpec{Selector: web().Spec.Selector, Template: pods()}}
			_, err := apps.StatefulSets("default").Create(ctx, stateful, metav1.CreateOptions{})
			require.NoError(t, err)
			daemons := &appsv1.DaemonSet{ObjectMeta: web().ObjectMeta, Spec: appsv1.DaemonSetSpec{Selector: web().Spec.Selector, Template: pods()}}
			_, err = apps.DaemonSets("default").Create(ctx, daemons, metav1.CreateOptions{})
			require.NoError(t, err)
			hashes := func() [3]string {
				time.Sleep(time.Second)
				d, err := apps.Deployments("default").Get(ctx, "web", metav1.GetOptions{})
				require.NoError(t, err)
				s, err := apps.StatefulSets("default").Get(ctx, "web", metav1.GetOptions{})
				require.NoError(t, err)
				ds, err := apps.DaemonSets("default").Get(ctx, "web", metav1.GetOptions{})
				require.NoError(t, err)
				of := func(pods corev1.PodTemplateSpec) string { return pods.Annotations[AnnotationHash] }
				return [3]string{of(d.Spec.Template), of(s.Spec.Template), of(ds.Spec.Template)}
			}

			_, err = core.ConfigMaps("default").Create(ctx, settings("red"), metav1.CreateOptions{})
			require.NoError(t, err)
			require.Equal(t, [3]string{}, hashes(), "the Secret is missing")
			require.GreaterOrEqual(t, events.Count(missing), 3)
			_, err = core.Secrets("default").Create(ctx, token("a"), metav1.CreateOptions{})
			require.NoError(t, err)
			first := hashes()
			require.Len(t, first[0], 32)
			require.Equal(t, [3]string{first[0], first[0], first[0]}, first)
			require.Zero(t, events.Count(changed))
			_, err = core.Secrets("default").Update(ctx, token("b"), metav1.UpdateOptions{})
			require.NoError(t, err)
			second := hashes()
			require.NotEqual(t, first, second)
			require.Equal(t, 3, events.Count(changed))
			_, err = core.Secrets("default").Update(ctx, token("a"), metav1.UpdateOptions{})
			require.NoError(t, err)
			require.Equal(t, first, hashes(), "the hash is that of the content, and of nothing else")

			untouched, err := apps.Deployments("default").Get(ctx, "other", metav1.GetOptions{})
			require.NoError(t, err)
			require.Empty(t, untouched.Spec.Template.Annotations)
		})
	})
}

// What is cached comes from a list or from an event, and the former is given to the function twice.
func TestDigestedTwice(t *testing.T) {
	obj := func() *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "a"}, "data": map[string]any{"b": "1", "a": "2"}}}
	}
	once := digested(obj())
	require.NotContains(t, once.Object, "data")
	require.Equal(t, once, digested(digested(obj())))
	other := obj()
	other.Object["data"] = map[string]any{"b": "2", "a": "1"}
	require.True(t, digestChanged(once, digested(other)))
}
