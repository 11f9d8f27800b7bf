package controller_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// TestG8AChildOfAnotherGroupIsNoEcho has an owner apps/Deployment ns/a and its child
// example.com/Deployment ns/a. The watch of children is slow, so that their event is older
// than the state of the owner that was last worked on. Kills: kinds that are compared by
// their name.
func TestG8AChildOfAnotherGroupIsNoEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Deployment"}
		gvr := theirs.GroupVersion().WithResource("deployments")
		srv, err := sim.New(sim.Options{Kinds: append(sim.Core("deployments.apps"), sim.Schemaless(theirs, true)...), Namespaces: []string{"ns"}})
		require.NoError(t, err)
		defer srv.Close()
		users, err := dynamic.NewForConfig(srv.Config())
		require.NoError(t, err)
		session := srv.Session("operator")
		cs, err := kubernetes.NewForConfig(session.Config())
		require.NoError(t, err)
		owners, err := cs.AppsV1().Deployments("ns").Create(t.Context(), newDeployment("a"), metav1.CreateOptions{})
		require.NoError(t, err)

		seen := 0
		repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
		c, err := controller.New(repo, controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: func(context.Context, *deployment) (action, error) {
			seen++
			return controller.AwaitChange(), nil
		}}, nil)
		require.NoError(t, err)
		own, err := dynamic.NewForConfig(session.Config())
		require.NoError(t, err)
		children, err := informer.New(repository.FromDynamic(own, gvr, theirs), nil)
		require.NoError(t, err)
		controller.Owns(c, children)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		after := func() { time.Sleep(time.Second); synctest.Wait() }
		after()
		require.Equal(t, 1, seen)

		watches := session.Watches("deployments.example.com")
		watches.Hold()
		child := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Deployment", "metadata": map[string]any{"name": "a"}}}
		child.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(owners, appsv1.SchemeGroupVersion.WithKind("Deployment"))})
		_, err = users.Resource(gvr).Namespace("ns").Create(t.Context(), child, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = cs.AppsV1().Deployments("ns").Patch(t.Context(), "a", "application/merge-patch+json", []byte(`{"metadata":{"labels":{"x":"y"}}}`), metav1.PatchOptions{})
		require.NoError(t, err)
		after()
		require.Equal(t, 2, seen, "the label")
		watches.Release()
		after()
		require.Equal(t, 3, seen, "the child")
		stop()
		require.NoError(t, <-done)
	})
}

// TestG8AChildThatIsGoneBeforeItsAttemptEnds is like TestG8AChildThatNobodySawGo, while
// the attempt that made the child still runs.
func TestG8AChildThatIsGoneBeforeItsAttemptEnds(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		created := 0
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			if found, err := repo.List(ctx, "ns", metav1.ListOptions{}); err != nil || len(found) > 0 {
				return controller.AwaitChange(), err
			}
			_, err := repo.Create(ctx, child("c"))
			if created++; created == 1 {
				b.write(repo, "c", nil) // somebody deletes it
				time.Sleep(time.Minute) // and the attempt has more to do
			}
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in) // by no owner reference: the event of the deletion leads nowhere
		b.run()
		b.settle(time.Hour)
		require.Equal(t, 2, created)
	}, newDeployment("a"))
}

// TestG8AChildOfTheSameKindWakesAtOnce has a kind whose objects are children of others: the
// attempt that waits for the cache to show the child that it made goes on when it does.
func TestG8AChildOfTheSameKindWakesAtOnce(t *testing.T) {
	inBubble(t, func(b *harness) {
		var at []time.Time
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			if d.Name != "a" {
				return controller.AwaitChange(), nil
			}
			if at = append(at, time.Now()); len(at) > 1 {
				return controller.AwaitChange(), nil
			}
			b.Watches("deployments.apps").Hold()
			made := newDeployment("made")
			made.Finalizers = []string{ours}
			_, err := b.repo.Create(ctx, made)
			return controller.Requeue(time.Millisecond), err
		}
		b.start()
		b.settle(100 * time.Millisecond)
		require.Len(t, at, 1)
		released := time.Now()
		b.Watches("deployments.apps").Release()
		b.settle(time.Minute)
		require.Len(t, at, 2)
		require.Less(t, at[1].Sub(released), 500*time.Millisecond)
	}, newDeployment("a"))
}

// TestG8ANumberThatIsUsedAgainIsNews: a server that was restored from a backup gives its
// numbers to other states. The only worker is busy until the object has the number again
// that it was last worked on with. Kills: a state that is known by its number alone.
func TestG8ANumberThatIsUsedAgainIsNews(t *testing.T) {
	inBubble(t, func(b *harness) {
		var replicas []int32
		busy := false
		b.opts.Workers = 1
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			switch {
			case d.Name == "a":
				replicas = append(replicas, *d.Spec.Replicas)
			case busy:
				time.Sleep(4 * time.Minute)
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute)
		backup, err := strconv.ParseUint(b.live("a").ResourceVersion, 10, 64)
		require.NoError(t, err)
		b.edit("a", scale(2))
		b.settle(time.Minute)
		was := b.live("a").ResourceVersion
		busy = true
		b.c.Enqueue(nsName("z"))
		require.NoError(t, b.Rewind(backup))
		b.settle(2 * time.Minute) // a probe finds it
		for n := 0; strconv.FormatUint(b.RV()+1, 10) != was; n++ {
			b.create(name("pad", n))
		}
		b.edit("a", scale(7))
		require.Equal(t, was, b.live("a").ResourceVersion, "another state of the same number")
		b.settle(time.Hour)
		require.Equal(t, []int32{1, 2, 7}, replicas)
	}, newDeployment("z"), newDeployment("a"))
}
