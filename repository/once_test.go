package repository_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// TestG11NoRequestSleeps: a server that says Retry-After is asked once, and whoever asked learns of
// it at once. client-go would sleep, up to ten times, on a worker that others wait for.
func TestG11NoRequestSleeps(t *testing.T) {
	for name, ask := range map[string]func(*testing.T, *repository.Live[*corev1.ConfigMap]) error{
		"get": func(t *testing.T, repo *repository.Live[*corev1.ConfigMap]) error {
			_, err := repo.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "n"})
			return err
		},
		"list": func(t *testing.T, repo *repository.Live[*corev1.ConfigMap]) error {
			_, err := repo.List(t.Context(), "ns", metav1.ListOptions{})
			return err
		},
		"delete all of": func(t *testing.T, repo *repository.Live[*corev1.ConfigMap]) error {
			_, err := repo.DeleteAllOf(t.Context(), "ns", labels.SelectorFromSet(labels.Set{"a": "b"}))
			return err
		},
		"create": func(t *testing.T, repo *repository.Live[*corev1.ConfigMap]) error {
			_, err := repo.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"ns"}})
				require.NoError(t, err)
				defer srv.Close()
				inject, err := fault.New(fault.On("*", "configmaps").Then(fault.TooManyRequests(time.Minute)))
				require.NoError(t, err)
				repo, err := repository.New[corev1.ConfigMap](inject.Config(srv.Config()), scheme.Scheme, configMaps)
				require.NoError(t, err)
				began := time.Now()
				require.Equal(t, kerr.ClassThrottled, kerr.ClassOf(ask(t, repo)))
				require.Zero(t, time.Since(began))
			})
		})
	}
}
