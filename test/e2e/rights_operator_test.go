package e2e_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/status"
)

// complete is an operator with all that asks for rights: a controller with a status, under a lease, that
// records events.
type complete struct {
	*event.Broadcaster
	elector *leader.Elector
	rules   []rbacv1.PolicyRule
}

// Run implements controller.Runner.
func (o *complete) Run(ctx context.Context) error { return o.Broadcaster.Run(ctx, o.elector) }

func (w *world) complete(cfg *rest.Config) *complete {
	w.t.Helper()
	repo, opts := w.widgets(cfg), w.options()
	opts.Informer.Probe = time.Second // the right to list is for it
	events, err := event.New(cfg, newScheme("Widget"), "e2e.kuberator.dev/tests", &event.Options{Logger: opts.Logger})
	require.NoError(w.t, err)
	counted := event.Normal("Counted", "Count")
	c, err := controller.New(repo, controller.Funcs[*Widget]{FinalizerName: ours, ApplyFunc: func(ctx context.Context, obj *Widget) (controller.Action, error) {
		events.Eventf(obj, nil, counted, "again")
		_, err := status.Patch(ctx, repo, obj, WidgetStatus{Size: obj.Status.Size + 1})
		return controller.Requeue(300 * time.Millisecond), err
	}}, opts)
	require.NoError(w.t, err)
	elector, err := leader.New(cfg, theLease(w.namespace), &leader.Options{Logger: opts.Logger})
	require.NoError(w.t, err)
	elector.Lead(c)
	return &complete{events, elector, slices.Concat(c.RequiredRules(), elector.RequiredRules(), event.RequiredRules())}
}

// right is a verb for a resource.
type right struct{ verb, resource string }

func rightsOf(rules []rbacv1.PolicyRule) (all []right) {
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				all = append(all, right{verb, resource})
			}
		}
	}
	return all
}

// asked returns the rights that an operator used, and those that it was refused.
func (w *world) asked() (used, refused map[right]bool) {
	used, refused = map[right]bool{}, map[right]bool{}
	for _, a := range w.audit() {
		r := right{a.Verb, a.resource()}
		if used[r] = true; a.Response.Code == http.StatusForbidden {
			refused[r] = true
		}
	}
	return used, refused
}

// TestS1AnOperatorUnderALeaseUsesWhatItAsksFor: as a service account with the rules of the controller, the elector
// and the events nothing is refused, in the whole life of an object and of two processes, and each right is used.
func TestS1AnOperatorUnderALeaseUsesWhatItAsksFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.complete(w.cfg).rules
	require.Len(t, rightsOf(rules), 10)
	cfg := w.as("operator", rules)
	for range 2 {
		stop := w.start(w.complete(cfg))
		w.life(func() bool { return false })
		stop()
	}
	used, refused := w.asked()
	require.Empty(t, refused)
	all := map[right]bool{}
	for _, r := range rightsOf(rules) {
		all[r] = true
	}
	require.Equal(t, all, used, "all that is granted, and nothing else")
}

// life lets a Widget be applied some times, and be deleted, until it is gone or done says so.
func (w *world) life(done func() bool) {
	w.t.Helper()
	w.create(w.widget("w"))
	deleted := false
	eventually(w.t, "the life of the Widget ends", func() bool {
		obj := w.live("w")
		if obj != nil && obj.Status.Size > 8 && !deleted { // after a renewal of the lease
			require.NoError(w.t, w.repo.Delete(w.t.Context(), obj))
			deleted = true
		}
		return obj == nil || done()
	})
}

// TestS1AnOperatorUnderALeaseNeedsItsRules takes away one right after the other: each is missed.
func TestS1AnOperatorUnderALeaseNeedsItsRules(t *testing.T) {
	t.Parallel()
	rules := newWorld(t).complete(shared.Config()).rules
	for i, rule := range rules {
		for _, verb := range rule.Verbs {
			t.Run(verb+" "+rule.Resources[0], func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				less := slices.Clone(w.complete(w.cfg).rules) // the name of the lease is that of the namespace
				less[i].Verbs = remove(less[i].Verbs, verb)
				w.start(w.complete(w.as("operator", less)))
				w.life(func() bool {
					_, refused := w.asked()
					return refused[right{verb, rule.Resources[0]}]
				})
				_, refused := w.asked()
				require.Equal(t, map[right]bool{{verb, rule.Resources[0]}: true}, refused)
			})
		}
	}
}
