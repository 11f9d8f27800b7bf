package main

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/test/sim"
)

// factory returns a controller.
type factory func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error)

// play runs a controller in virtual time, with the rights of its manifests, beside what story does.
func play(t *testing.T, of factory, opts *operator.Options, story func(t *testing.T, client kubernetes.Interface)) {
	t.Helper()
	program := trial.Of("example.com/shop-operator", func(p *operator.Process) error {
		c, err := of(p.Config, p.Options())
		p.Lead(c)
		return err
	}, opts)
	synctest.Test(t, func(t *testing.T) {
		kinds := sim.Core("configmaps", "services", "deployments.apps", "events.events.k8s.io")
		trial.Run(t, kinds, program, of, func(_ context.Context, cfg *rest.Config) {
			story(t, kubernetes.NewForConfigOrDie(cfg))
		})
	})
}

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Data: data}
}

func create(t *testing.T, client kubernetes.Interface, cm *corev1.ConfigMap) *corev1.ConfigMap {
	t.Helper()
	created, err := client.CoreV1().ConfigMaps(cm.Namespace).Create(t.Context(), cm, metav1.CreateOptions{})
	require.NoError(t, err)
	return created
}

// Kills: rights on the page that are not enough for the program on it.
func TestRightsAreEnough(t *testing.T) {
	play(t, newHosts, hostOptions, func(t *testing.T, client kubernetes.Interface) {
		create(t, client, configMap("shop", map[string]string{"host": "shop.example.com"}))
		create(t, client, configMap("other", nil))
		time.Sleep(time.Minute)
		services, err := client.CoreV1().Services("").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, services.Items, 1)
		require.Equal(t, "shop.example.com", services.Items[0].Spec.ExternalName)
	})
}

// Kills: a program on the page that is not called when what it waits for appears.
func TestReferencesWake(t *testing.T) {
	rules := []rbacv1.PolicyRule{{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"patch"}}}
	play(t, newSizes, &operator.Options{Rules: rules}, func(t *testing.T, client kubernetes.Interface) {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
		d.Spec.Template.Labels = d.Spec.Selector.MatchLabels
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "main"}}
		_, err := client.AppsV1().Deployments("default").Create(t.Context(), d, metav1.CreateOptions{})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		create(t, client, configMap("defaults", map[string]string{"size": "small"}))
		time.Sleep(time.Minute)
		d, err = client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, "small", d.Labels["example.com/size"])
	})
}

// Kills: a program on the page that works on all objects.
func TestSomeAreSelected(t *testing.T) {
	play(t, newSites, nil, func(t *testing.T, client kubernetes.Interface) {
		site := configMap("site", nil)
		site.Labels = map[string]string{"site": "true"}
		create(t, client, site)
		create(t, client, configMap("other", nil))
		time.Sleep(time.Minute)
		held := func() (names []string) {
			all, err := client.CoreV1().ConfigMaps("").List(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			for _, cm := range all.Items {
				if len(cm.Finalizers) > 0 {
					names = append(names, cm.Name)
				}
			}
			return names
		}
		require.Equal(t, []string{"site"}, held())
		site.Labels = nil
		site.Finalizers = []string{"example.com/site"}
		_, err := client.CoreV1().ConfigMaps("default").Update(t.Context(), site, metav1.UpdateOptions{})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Empty(t, held())
	})
}

// attempts returns a factory whose controller tells of its attempts, one after the other.
func attempts(of factory, ended func(controller.Attempt)) factory {
	return func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
		var mu sync.Mutex
		own := controller.ObserverFuncs{EndedFunc: func(_ context.Context, at controller.Attempt) {
			mu.Lock()
			defer mu.Unlock()
			ended(at)
		}}
		opts.Observer = controller.Observers(opts.Observer, own)
		return of(cfg, opts)
	}
}

// Kills: errors on the page that are retried at other times than it says.
func TestErrorsWait(t *testing.T) {
	next := map[string]time.Duration{}
	play(t, attempts(newVolumes, func(at controller.Attempt) { next[at.Key.Name] = at.Next }), nil, func(t *testing.T, client kubernetes.Interface) {
		create(t, client, configMap("wrong", map[string]string{"size": "seven"}))
		create(t, client, configMap("later", map[string]string{"size": "7"}))
		time.Sleep(time.Minute)
	})
	require.Negative(t, next["wrong"])
	require.Equal(t, 10*time.Minute, next["later"])
}

// Kills: a logger on the page that is not that of the controller.
func TestLoggingHasTheNames(t *testing.T) {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		require.NoError(t, err)
		defer srv.Close()
		create(t, kubernetes.NewForConfigOrDie(srv.Config()), configMap("world", nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, greet(ctx, srv.Config(), slog.New(slog.NewTextHandler(&log, nil))))
	})
	require.Contains(t, log.String(), `msg=greeted controller=configmap namespace=default name=world`)
}
