package informer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Kills: options of which one replaces another.
func TestListOptionsAreCombined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []*configMap{cm("a", "1", "red"), cm("a", "2", "blue"), cm("a", "3", "red"), cm("b", "1", "red")}
		all[2].Labels["tier"] = "db"
		in, err := informer.New(repoOf(serve(t, all...)), nil)
		require.NoError(t, err)
		require.NoError(t, in.AddIndex("name", func(c *configMap) []string { return []string{c.Name, "any"} }))
		require.NoError(t, in.AddIndex("team", func(c *configMap) []string { return []string{c.Labels["team"]} }))
		stop := running(t, in)
		red := map[string]string{"team": "red"}
		for _, c := range []struct {
			want []string
			opts []informer.ListOption
		}{
			{[]string{"a/1", "a/2", "a/3", "b/1"}, []informer.ListOption{informer.MatchingLabels(nil), informer.Matching(nil), informer.In("")}},
			{[]string{"a/1", "a/3", "b/1"}, []informer.ListOption{informer.MatchingLabels(red)}},
			{[]string{"a/3"}, []informer.ListOption{informer.MatchingLabels(map[string]string{"team": "red", "tier": "db"})}},
			{[]string{"a/3"}, []informer.ListOption{informer.MatchingLabels(red), informer.Matching(labels.Set{"tier": "db"}.AsSelector())}},
			{nil, []informer.ListOption{informer.MatchingLabels(red), informer.MatchingLabels(map[string]string{"team": "blue"})}},
			{[]string{"a/1", "b/1"}, []informer.ListOption{informer.WithIndex("name", "1")}},
			{[]string{"a/1"}, []informer.ListOption{informer.In("a"), informer.WithIndex("name", "1")}},
			{[]string{"a/1", "a/3"}, []informer.ListOption{informer.WithIndex("name", "any"), informer.In("a"), informer.MatchingLabels(red)}},
			{[]string{"a/2"}, []informer.ListOption{informer.WithIndex("name", "any"), informer.WithIndex("team", "blue")}},
			{nil, []informer.ListOption{informer.WithIndex("name", "1"), informer.WithIndex("team", "blue")}},
			{[]string{"b/1"}, []informer.ListOption{informer.In("a"), informer.In("b")}},
		} {
			require.Equal(t, c.want, names(list(t, in, c.opts...)))
			require.Equal(t, c.want, names(in.ViewList(c.opts...)))
		}
		require.Equal(t, []string{"a/1", "b/1"}, names(in.ViewByIndex("name", "1")))
		require.Empty(t, in.ViewList(informer.WithIndex("unknown", "1")))
		for _, opts := range [][]informer.ListOption{{informer.WithIndex("unknown", "1")}, {informer.WithIndex("name", "1"), informer.WithIndex("unknown", "1")}} {
			_, err = in.List(t.Context(), opts...)
			require.ErrorContains(t, err, `there is no index "unknown"`)
			require.True(t, kerr.WaitsForChange(err))
		}
		stop()
	})
}

// counting is a selector that counts how often it is asked.
type counting struct {
	labels.Selector
	asked *atomic.Int32
}

func (c counting) Matches(of labels.Labels) bool { c.asked.Add(1); return c.Selector.Matches(of) }

// Kills: lists by an index, or of a namespace, that look at every object.
func TestListsByAnIndexLookAtNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []*configMap{cm("b", "one", "red")}
		for n := range 50 {
			all = append(all, cm("a", fmt.Sprint(n), "blue"))
		}
		in, err := informer.New(repoOf(serve(t, all...)), nil)
		require.NoError(t, err)
		require.NoError(t, in.AddIndex("team", func(c *configMap) []string { return []string{c.Labels["team"]} }))
		stop := running(t, in)
		for _, narrow := range []informer.ListOption{informer.WithIndex("team", "red"), informer.In("b")} {
			c := counting{labels.Everything(), &atomic.Int32{}}
			require.Equal(t, []string{"b/one"}, names(list(t, in, narrow, informer.Matching(c))))
			require.EqualValues(t, 1, c.asked.Load())
		}
		stop()
	})
}

// noted is the memory of an attempt that keeps what was listed.
type noted struct {
	journal.Recorder
	lists []journal.Selection
}

func (n *noted) Listed(_ any, s journal.Selection) { n.lists = append(n.lists, s) }

// TestWhatAListDependsOn is what makes an event find the attempts that read a list.
func TestWhatAListDependsOn(t *testing.T) {
	in, err := informer.New(repoOf(fake.NewClientset()), nil)
	require.NoError(t, err)
	require.NoError(t, in.AddIndex("team", func(c *configMap) []string { return []string{c.Labels["team"]} }))
	memory := &noted{}
	a := journal.New(context.Background(), journal.Config{Recorder: memory, Key: types.NamespacedName{Name: "me"}})
	defer a.End()
	several, err := labels.Parse("a=1,b in (2),c in (3,4),d notin (5),e,f!=6")
	require.NoError(t, err)
	for _, opts := range [][]informer.ListOption{
		nil,
		{informer.In("ns"), informer.Matching(several)},
		{informer.In("ns"), informer.Matching(several)}, // again
		{informer.In("ns"), informer.Matching(counting{Selector: several})},
		{informer.WithIndex("team", "x")},
		{informer.MatchingLabels(map[string]string{"team": "x"})},
	} {
		_, err := in.List(a.Context(), opts...)
		require.ErrorIs(t, err, informer.ErrNotKnown)
	}
	ids := map[string]bool{}
	for n := range memory.lists {
		ids[memory.lists[n].ID] = true
		memory.lists[n].ID, memory.lists[n].Matches = "", nil
	}
	require.Len(t, ids, 5, "the same list twice is one")
	two := []journal.Label{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}
	require.Equal(t, []journal.Selection{
		{}, {Namespace: "ns", Labels: two}, {Namespace: "ns", Labels: two}, {Namespace: "ns"},
		{Index: "team", Value: "x"}, {Labels: []journal.Label{{Key: "team", Value: "x"}}},
	}, memory.lists)
}
