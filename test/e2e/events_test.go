package e2e_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kuberator/kuberator/controller/event"
)

// twice is an operator that records something about an object, which changes, and the same again.
type twice struct {
	record func(resourceVersion string)
	seen   func(context.Context) (bool, error) // the first one is on the server
}

func (f twice) Run(ctx context.Context) error {
	f.record("1")
	_ = wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, 3*time.Second, true, f.seen) // it is refused, in one case
	f.record("2")
	return nil
}

// TestS1EventsNeedTheirRules: a service account with RequiredRules records a series, with a note that had
// to be cut, and without one of the verbs it cannot.
func TestS1EventsNeedTheirRules(t *testing.T) {
	rules := event.RequiredRules()
	require.Len(t, rules, 1)
	recorded := func(name string, verbs ...string) []eventsv1.Event {
		w := newWorld(t)
		cfg := w.as(name, []rbacv1.PolicyRule{{APIGroups: rules[0].APIGroups, Resources: rules[0].Resources, Verbs: verbs}})
		events, err := event.New(cfg, newScheme("Widget"), "e2e.kuberator.dev/tests", nil)
		require.NoError(t, err)
		object := w.create(w.widget("w"))
		reason := event.Warning("Tested", "Test")
		list := func() []eventsv1.Event {
			list, err := w.admin.EventsV1().Events(w.namespace).List(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			return list.Items
		}
		require.NoError(t, events.Run(t.Context(), twice{func(rv string) {
			about := object.DeepCopyObject().(*Widget)
			about.ResourceVersion = rv
			events.Eventf(about, nil, reason, "%s", strings.Repeat("€", 400))
		}, func(context.Context) (bool, error) { return len(list()) == 1, nil }}))
		return list()
	}
	all := recorded("events", rules[0].Verbs...)
	require.Len(t, all, 1)
	require.Equal(t, int32(2), all[0].Series.Count)
	require.True(t, strings.HasSuffix(all[0].Note, "€…"))
	for _, missing := range rules[0].Verbs {
		rest := slices.DeleteFunc(slices.Clone(rules[0].Verbs), func(v string) bool { return v == missing })
		all := recorded("without", rest...)
		require.False(t, len(all) == 1 && all[0].Series != nil, "without %q", missing)
	}
}
