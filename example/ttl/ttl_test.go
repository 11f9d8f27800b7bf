package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/test/sim"
)

var configMaps = corev1.SchemeGroupVersion.WithKind("ConfigMap")

func expiring(name, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Annotations: map[string]string{Annotation: value}}}
}

func TestDeadline(t *testing.T) {
	created := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	obj := &metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(created)}
	for value, want := range map[string]time.Time{
		"36h":                       created.Add(36 * time.Hour),
		"2030-01-01T02:00:00+01:00": created.Add(time.Hour),
		"2020-01-01T00:00:00Z":      created.AddDate(-10, 0, 0),
		"0s":                        {},
		"-1h":                       {},
		"7d":                        {},
		"2030-01-01":                {},
		"":                          {},
	} {
		got, err := deadline(obj, value)
		require.Equal(t, want.IsZero(), err != nil, "%q: %v", value, err)
		require.True(t, want.Equal(got), "%q: %v", value, got)
	}
}

func TestKinds(t *testing.T) {
	for value, want := range map[string]string{
		"Job.v1.batch": "batch/v1, Kind=Job", "Pod.v1": "/v1, Kind=Pod", "Pod.v1.": "/v1, Kind=Pod",
		"Foo.v1alpha1.foo.example.com": "foo.example.com/v1alpha1, Kind=Foo",
	} {
		got, err := parse(value)
		require.NoError(t, err)
		require.Equal(t, want, got.String())
	}
	_, err := parse("Job")
	require.EqualError(t, err, `"Job" is not a Kind.version.group`)
}

// With the rights of the manifests: one object goes in time, one that nobody can date stays and says so, one
// without the annotation stays.
func TestObjectsGoWhenTheirTimeIsOver(t *testing.T) {
	p := trial.Of(program())
	p.Args = []string{"--kind=ConfigMap.v1"}
	synctest.Test(t, func(t *testing.T) {
		events := &event.FakeRecorder{}
		trial.Run(t, sim.Core("configmaps"), p, func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
			return newController(cfg, configMaps, events, opts)
		}, func(ctx context.Context, cfg *rest.Config) {
			client := kubernetes.NewForConfigOrDie(cfg).CoreV1().ConfigMaps("default")
			plain := expiring("plain", "")
			plain.Annotations = nil
			for _, cm := range []*corev1.ConfigMap{expiring("soon", "3h"), expiring("wrong", "tomorrow"), plain} {
				_, err := client.Create(ctx, cm, metav1.CreateOptions{})
				require.NoError(t, err)
			}
			time.Sleep(3*time.Hour - time.Second)
			_, err := client.Get(ctx, "soon", metav1.GetOptions{})
			require.NoError(t, err)
			time.Sleep(2 * time.Second)
			_, err = client.Get(ctx, "soon", metav1.GetOptions{})
			require.True(t, apierrors.IsNotFound(err), "%v", err)
			for _, name := range []string{"wrong", "plain"} {
				_, err := client.Get(ctx, name, metav1.GetOptions{})
				require.NoError(t, err)
			}
		})
		require.Len(t, events.Events(), 1)
		require.Contains(t, events.Events()[0].String(), "Warning InvalidExpiry default/wrong: the object stays: annotation ttl.kuberator.dev/expires")
		require.Equal(t, "ConfigMap", events.Events()[0].About.GetObjectKind().GroupVersionKind().Kind, "an event is about a kind that people know")
	})
}
