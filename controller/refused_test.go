package controller_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

// attemptsAnHour is what the longest backoff allows for each object, less its fifth.
const attemptsAnHour = 60/4 + 1

// TestS9AnotherServersRefusalIsNotOurs: Apply talks to another cluster, with bad credentials. That is a matter of
// the object, which has its backoff; one that fails in turns for another reason does not wake the others.
func TestS9AnotherServersRefusalIsNotOurs(t *testing.T) {
	objs := []metav1.Object{newDeployment("evil")}
	for n := range 20 {
		objs = append(objs, newDeployment(fmt.Sprint("n", n)))
	}
	inBubble(t, func(b *harness) {
		var n atomic.Int32
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			if d.Name == "evil" && n.Add(1)%2 == 0 {
				return controller.AwaitChange(), fmt.Errorf("other")
			}
			return controller.AwaitChange(), fmt.Errorf("remote: %w", apierrors.NewUnauthorized("no"))
		}
		b.start()
		b.settle(time.Hour)
		b.took()
		b.settle(time.Hour)
		require.LessOrEqual(t, len(b.took()), len(objs)*attemptsAnHour)
	}, objs...)
}

// TestS9ATenantsRefusalIsNotOurs also if it is of a repository, on the same server, with other credentials.
func TestS9ATenantsRefusalIsNotOurs(t *testing.T) {
	asAccount(t, func(a *account) {
		cfg := a.srv.Config()
		cfg.BearerToken = "of-a-tenant"
		tenant, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(t, err)
		get := func(ctx context.Context, key types.NamespacedName) error {
			_, err := tenant.Get(ctx, key)
			return err
		}
		require.True(t, apierrors.IsUnauthorized(get(t.Context(), types.NamespacedName{Namespace: "default", Name: "a"})))
		a.before = get
		a.create("a")
		for range 60 {
			time.Sleep(time.Minute)
			a.issue()
		}
		a.failures()
		for range 60 {
			time.Sleep(time.Minute)
			a.issue()
		}
		require.LessOrEqual(t, a.failures(), attemptsAnHour)
	})
}

// TestS9ARefusalOfOurClientIsOurs: the clientset that the repository of the controller was made of, and others were.
func TestS9ARefusalOfOurClientIsOurs(t *testing.T) {
	objs := []metav1.Object{newDeployment("a"), newDeployment("b"), newDeployment("c")}
	inBubble(t, func(b *harness) {
		b.fail(fault.On("get", "configmaps").Then(fault.Answer(apierrors.NewUnauthorized("no").Status())))
		configs := repository.FromClient(b.Clientset, corev1.SchemeGroupVersion.WithKind("ConfigMap"), b.Clientset.CoreV1().ConfigMaps)
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			_, err := configs.Get(ctx, repository.Key(d))
			if apierrors.IsNotFound(err) {
				err = nil
			}
			return controller.AwaitChange(), err
		}
		b.start()
		b.settle(time.Hour)
		b.faults.Clear()
		b.took()
		b.settle(5 * time.Second)
		require.GreaterOrEqual(t, len(b.took()), len(objs))
	}, objs...)
}

// TestS9AllRecoverAlsoIfAttemptsTakeLong: longer than the time between two objects that are tried. All are applied
// in 5 s and the time of an attempt.
func TestS9AllRecoverAlsoIfAttemptsTakeLong(t *testing.T) {
	for _, takes := range []time.Duration{4 * time.Second, 10 * time.Second} {
		t.Run(takes.String(), func(t *testing.T) {
			const many = 12
			asAccount(t, func(a *account) {
				for n := range many {
					a.create(fmt.Sprint("n", n))
				}
				time.Sleep(40 * time.Minute)
				a.issue()
				time.Sleep(5*time.Second + takes)
				a.since(5*time.Second+takes, many)
			}, func(a *account) { a.takes, a.workers = takes, 100 })
		})
	}
}

// TestS9AllRecoverWithinSecondsOfTheAuthority: the certificate of the server is of an authority that comes half an
// hour late. Until then the errors are of class Transient, in writes too: nothing was sent.
func TestS9AllRecoverWithinSecondsOfTheAuthority(t *testing.T) {
	const many = 30
	asAccount(t, func(a *account) {
		for n := range many {
			a.create(fmt.Sprint("n", n))
		}
		time.Sleep(2 * time.Minute)
		a.unverified.Store(true)
		for range 6 {
			time.Sleep(5 * time.Minute)
			a.issue()
		}
		seen := a.logs.FilterMessage("attempt failed").All()
		require.NotEmpty(t, seen)
		for _, entry := range seen {
			require.Equal(t, kerr.ClassTransient.String(), entry.ContextMap()["class"], entry.ContextMap()["error"])
			require.Contains(t, entry.ContextMap()["error"], "failed to verify certificate")
		}
		a.failures()
		a.unverified.Store(false)
		time.Sleep(5 * time.Second)
		a.since(5*time.Second, many)
	})
}
