package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
)

// nursery is an operator that wants one child per widget and gives every child that
// it creates a name of its own: if it does not see the one that it has, it makes
// another. The watch of the children passes through the valve.
type nursery struct {
	*world
	valve    *valve
	children *informer.Informer[*corev1.ConfigMap]
	run      *controller.Controller[*Widget, controller.Funcs[*Widget]]
}

func newNursery(t *testing.T, change func(*controller.Options)) *nursery {
	t.Helper()
	w := newWorld(t)
	n := &nursery{world: w, valve: &valve{}}
	maps := w.configMaps(n.valve.over(w.cfg, "configmaps"))
	var err error
	n.children, err = informer.New(maps, nil)
	require.NoError(t, err)
	born := atomic.Int32{}
	apply := func(ctx context.Context, obj *Widget) (controller.Action, error) {
		mine := labels.SelectorFromSet(labels.Set{"owner": obj.Name})
		if have, err := n.children.List(ctx, informer.Matching(mine)); err != nil || len(have) > 0 {
			return controller.AwaitChange(), err
		}
		child, err := childOf(obj, fmt.Sprintf("%s-%d", obj.Name, born.Add(1)))
		if err == nil {
			_, err = maps.Create(ctx, child)
		}
		return controller.AwaitChange(), err
	}
	opts := w.options()
	opts.Workers = 1
	change(opts)
	n.run, err = controller.New(w.repo, controller.Funcs[*Widget]{FinalizerName: ours, ApplyFunc: apply}, opts)
	require.NoError(t, err)
	return n
}

// settle starts the operator and waits until it has a first widget.
func (n *nursery) settle() {
	n.t.Helper()
	n.start(n.run)
	n.create(n.widget("first"))
	n.until("applied", isApplied(n.key("first")))
}

// disturb makes reasons to reconcile a widget that have nothing to do with its
// children: an edit, and calls of Enqueue.
func (n *nursery) disturb(name string, size int) {
	n.t.Helper()
	_, err := n.merge(n.live(name), fmt.Sprintf(`{"spec":{"size":%d}}`, size))
	require.NoError(n.t, err)
	for range 5 {
		n.run.Enqueue(n.key(name))
	}
}

// born returns how many children were asked for.
func (n *nursery) born() int { return n.wire.count(http.MethodPost, "/configmaps") }

// TestFault5LateWatchOfTheChildren holds the watch of the children back while other
// sources ask for reconciles: no attempt is made until it shows the child, and a
// widget without such a child is not kept waiting. Red if keys with own writes are
// not held (with a plain informer: a child per disturbance), if events of the
// children do not wake them, if the wait is that of the kind or of the worker.
func TestFault5LateWatchOfTheChildren(t *testing.T) {
	for name, wired := range map[string]func(*nursery){
		"owns": func(n *nursery) { controller.Owns(n.run, n.children) },
		"watches": func(n *nursery) {
			controller.Watches(n.run, n.children, func(_, after *corev1.ConfigMap) []types.NamespacedName {
				return []types.NamespacedName{{Namespace: after.Namespace, Name: after.Labels["owner"]}}
			})
		},
		"references": func(n *nursery) { controller.References(n.run, n.children) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNursery(t, func(o *controller.Options) { o.StaleWait = time.Hour })
			wired(n)
			n.settle()
			n.valve.close()
			n.create(n.widget("late"))
			n.until("applied", isApplied(n.key("late")))
			require.Equal(t, 2, n.born())
			for size := range 3 {
				n.disturb("late", size+1)
				// One worker, and what comes later is worked on later: when this one is
				// done, the worker has looked at the other.
				other := fmt.Sprintf("other-%d", size)
				n.create(n.widget(other))
				n.until("applied", isApplied(n.key(other)))
				for _, a := range n.drained() {
					require.NotEqual(t, n.key("late"), a.Key, "it waits: %+v", a)
				}
			}
			n.valve.open()
			a := n.until("applied", isApplied(n.key("late")))
			require.Contains(t, a.Reasons, controller.Reason{Verb: controller.VerbCaughtUp})
			require.Contains(t, a.Reasons, controller.Reason{Verb: controller.VerbEnqueued})
			require.Equal(t, 5, n.born())
			require.Len(t, n.liveChildren("late"), 1)
		})
	}
}

// TestFault5WatchOfTheChildrenIsSilent never lets the watch go: after StaleWait the
// operator goes on with what it reads from the server, at each disturbance, and does
// not create a second child. Red if own writes are waited for forever, if they
// are forgotten after the wait, or if a list from the cache does not show them.
func TestFault5WatchOfTheChildrenIsSilent(t *testing.T) {
	const stale = time.Second
	n := newNursery(t, func(o *controller.Options) { o.StaleWait = stale })
	controller.Owns(n.run, n.children)
	n.settle()
	n.valve.close()
	n.create(n.widget("w"))
	first := n.until("applied", isApplied(n.key("w")))
	born := n.born()
	for size := range 3 {
		n.disturb("w", size+1)
		a := n.until("applied", isApplied(n.key("w")))
		require.GreaterOrEqual(t, a.Start.Sub(first.Start), stale, "not before the wait is over")
	}
	child := n.liveChildren("w")[0]
	require.NotZero(t, n.wire.count(http.MethodGet, "/configmaps/"+child.Name), "it was read live")
	require.Equal(t, born, n.born())
	require.Len(t, n.liveChildren("w"), 1)

	// Somebody deletes the child, and only the server knows.
	require.NoError(t, n.configMaps(n.cfg).Delete(t.Context(), &child))
	require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		n.run.Enqueue(n.key("w"))
		return len(n.liveChildren("w")) > 0, nil
	}))
	require.NotEqual(t, child.Name, n.liveChildren("w")[0].Name)
	require.Equal(t, born+1, n.born())
}
