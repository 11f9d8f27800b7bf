package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

// outages is an operator with a widget and a child for each number, and somebody who
// edits the widgets without end, whether there is a server or not.
type outages struct {
	*world
	own      *cluster.Cluster
	run      *controller.Controller[*Widget, controller.Funcs[*Widget]]
	children map[string]types.UID
	edits    chan struct{} // one each time all widgets were to be edited
}

const kept = 50

func newOutages(t *testing.T) *outages {
	t.Helper()
	own := cluster.Start(t, &cluster.Options{NoControllerManager: true})
	o := &outages{world: worldOf(t, own), own: own, children: map[string]types.UID{}, edits: make(chan struct{})}
	live := o.configMaps(o.cfg)
	children, err := informer.New(live, nil)
	require.NoError(t, err)
	user, asks := keeper(children, live), o.widgets(o.cfg)
	keep := user.ApplyFunc
	user.ApplyFunc = func(ctx context.Context, obj *Widget) (controller.Action, error) {
		if _, err := asks.Get(ctx, repository.Key(obj)); err != nil { // each attempt needs the server
			return controller.AwaitChange(), err
		}
		return keep(ctx, obj)
	}
	opts := o.options()
	opts.MinBackoff, opts.MaxBackoff = 100*time.Millisecond, 10*time.Second
	o.run, err = controller.New(o.repo, user, opts)
	require.NoError(t, err)
	controller.Owns(o.run, children)
	return o
}

// edit changes all widgets again and again, until ctx ends. Failures are what happens.
func (o *outages) edit(ctx context.Context) {
	for size := 1; ctx.Err() == nil; size = size%900 + 1 {
		for i := range kept {
			_, _ = o.repo.Patch(ctx, o.widget(o.numbered(i)), types.MergePatchType, fmt.Appendf(nil, `{"spec":{"size":%d}}`, size))
		}
		select {
		case o.edits <- struct{}{}:
		case <-ctx.Done():
		}
	}
}

// edited waits until all widgets were edited, from the beginning to the end.
func (o *outages) edited() {
	<-o.edits
	<-o.edits
}

// converged waits until all children are as their widgets say.
func (o *outages) converged(t *testing.T, n int) {
	t.Helper()
	var why string
	as := func(ctx context.Context) (bool, error) {
		parents, err := o.repo.List(ctx, o.namespace, metav1.ListOptions{})
		if err != nil || len(parents) != n {
			why = fmt.Sprint(len(parents), err)
			return false, nil
		}
		for _, parent := range parents {
			child, err := o.admin.CoreV1().ConfigMaps(o.namespace).Get(ctx, parent.Name, metav1.GetOptions{})
			if err != nil || child.Data["size"] != fmt.Sprint(parent.Spec.Size) {
				why = fmt.Sprint(parent.Name, parent.Spec, child.Data, err)
				return false, nil
			}
		}
		return true, nil
	}
	require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, as), "%s", &why)
}

// TestFault8Outages kills the API server three times and etcd once, both of them for as
// long as it takes every object to fail six times, while all objects are being edited.
// Everything converges, no child is made twice, the requests during the outage are those
// that the backoff allows, spread by its jitter, and nothing is left when Run returned.
//
// Red if the backoff does not grow or has no jitter, if a watch is asked for in a
// busy loop, if a write whose answer died with the server is taken for done, or if a
// goroutine stays behind.
func TestFault8Outages(t *testing.T) {
	o := newOutages(t)
	before := goroutines()
	stop := o.start(o.run)
	for i := range kept {
		o.create(o.widget(o.numbered(i)))
	}
	o.converged(t, kept)
	list, err := o.admin.CoreV1().ConfigMaps(o.namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	for _, child := range list.Items {
		o.children[child.Name] = child.UID
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.edit(ctx)
	}()
	o.edited()
	require.NoError(t, o.own.APIServer().Kill())
	require.NoError(t, o.own.APIServer().Restart(t.Context()))
	o.edited()
	require.NoError(t, o.own.Etcd().Kill())
	require.NoError(t, o.own.APIServer().Kill())
	o.bounded(t)
	require.NoError(t, o.own.Etcd().Restart(t.Context()))
	require.NoError(t, o.own.APIServer().Restart(t.Context()))
	o.edited()
	require.NoError(t, o.own.APIServer().Kill())
	require.NoError(t, o.own.APIServer().Restart(t.Context()))
	o.edited()
	cancel()
	<-ended
	for i := range 5 {
		require.NoError(t, o.repo.Delete(t.Context(), o.live(o.numbered(i))))
	}
	o.converged(t, kept-5)
	for name, uid := range o.children {
		child, err := o.admin.CoreV1().ConfigMaps(o.namespace).Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, uid, child.UID)
	}
	stop()
	noNewGoroutines(t, before)
}

// bounded is called when there is no server.
func (o *outages) bounded(t *testing.T) {
	t.Helper()
	const failures = 6
	o.forget()
	o.wire.reset()
	for i := range kept {
		o.run.Enqueue(o.key(o.numbered(i)))
	}
	waits := sets.New[time.Duration]()
	for i := range kept {
		a := o.until("that failed often", func(a controller.Attempt) bool { return a.Key == o.key(o.numbered(i)) && a.Failures == failures })
		waits.Insert(a.Next)
		require.Contains(t, []kerr.Class{kerr.ClassTransient, kerr.ClassAmbiguous}, kerr.ClassOf(a.Err), "%v", a.Err)
	}
	require.Greater(t, waits.Len(), kept/2, "not all at once")
	// Each failure is one request; who had failed six times waits for 3 s, and the
	// slowest is a second or so behind. The watches are two.
	requests := o.wire.count(http.MethodGet, "")
	require.LessOrEqual(t, requests, kept*(failures+1)+30)
}
