package controller_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
)

// Kills: a second controller that lists and watches by itself, or that takes the cache with it.
func TestTwoControllersOfOneKindShareAnInformer(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, err := informer.New(b.repo, nil)
		require.NoError(t, err)
		made := func(finalizer string) *controller.Controller[*deployment, controller.Funcs[*deployment]] {
			user := controller.Funcs[*deployment]{
				FinalizerName: finalizer, ApplyFunc: b.noted(finalizer+" applies ", nil), CleanupFunc: b.noted(finalizer+" cleans up ", nil),
			}
			c, err := controller.NewFor(in, user, &controller.Options{Logger: b.opts.Logger})
			require.NoError(t, err)
			require.Same(t, in, c.Informer())
			return c
		}
		one, two := made("example.com/one"), made("example.com/two")
		stopOne, stopTwo := sync.OnceFunc(b.runs(one)), sync.OnceFunc(b.runs(two))
		defer stopTwo() // also if a check fails
		defer stopOne()
		calls := b.settle(time.Minute) // one of them may see the finalizer of the other come
		require.Subset(t, calls, []string{"example.com/one applies a", "example.com/two applies a"})
		require.ElementsMatch(t, []string{"example.com/one", "example.com/two"}, b.live("a").Finalizers)
		require.Equal(t, 1, b.fills("deployments"))

		stopOne()
		b.edit("a", scale(2))
		require.Equal(t, []string{"example.com/two applies a"}, b.settle(time.Minute), "it goes on")
		require.Error(t, two.ReleaseAll(b.t.Context()), "it runs")
		require.NoError(t, one.ReleaseAll(b.t.Context()))
		require.ElementsMatch(t, []string{"example.com/one cleans up a", "example.com/two applies a"}, b.settle(time.Minute),
			"that a finalizer goes is a change for the other")
		require.Equal(t, []string{"example.com/two"}, b.live("a").Finalizers)
		watches := 0
		for _, r := range b.Requests() {
			if r.isWatch() {
				watches++
			}
		}
		require.Equal(t, 1, watches, "one watch for all of that")

		b.delete("a")
		require.Equal(t, []string{"example.com/two cleans up a"}, b.settle(time.Minute))
		require.Nil(t, b.live("a"))
		stopTwo()
		require.False(t, in.Running(), "nobody uses it any more")
	}, newDeployment("a"))
}

// fills counts the requests by which an informer learned of all objects of a kind.
func (b *harness) fills(resource string) (n int) {
	for _, r := range b.Requests() {
		if r.fills(resource) {
			n++
		}
	}
	return n
}

func TestNewForRefusesWhatCannotWork(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, err := controller.NewFor((*informer.Informer[*deployment])(nil), hello{ours}, nil)
		require.ErrorContains(t, err, "new controller: the informer is nil")
		in, err := informer.New(b.repo, nil)
		require.NoError(t, err)
		_, err = controller.NewFor(in, hello{""}, nil)
		require.ErrorContains(t, err, "new controller of Deployment: finalizer name")
		_, err = controller.NewFor(in, hello{ours}, &controller.Options{Informer: informer.Options{Resync: time.Hour}})
		require.ErrorContains(t, err, "options: Informer must be empty")
	})
}
