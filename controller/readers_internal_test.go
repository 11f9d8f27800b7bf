package controller

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/dependents"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/repository"
)

type configMap = corev1.ConfigMap

// reading is a hub with keys that read lists, and counts how many lists events ask.
type reading struct {
	hub
	in    *informer.Informer[*configMap]
	d     *dependents.Table
	of    map[types.NamespacedName]dependents.Reads
	asked int
}

func (r *reading) dependencies(any) *dependents.Table { return r.d }

func newReading(t testing.TB) *reading {
	t.Helper()
	cs := fake.NewClientset()
	in, err := informer.New(repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps), nil)
	require.NoError(t, err)
	require.NoError(t, in.AddIndex("color", func(cm *configMap) []string { return []string{cm.Data["color"]} }))
	return &reading{in: in, d: dependents.New(), of: map[types.NamespacedName]dependents.Reads{}}
}

// attempted is the memory of an attempt for a key.
type attempted struct {
	journal.Recorder
	r    *reading
	key  types.NamespacedName
	read *dependents.Reads
}

func (m attempted) Listed(_ any, s journal.Selection) {
	ask := s.Matches.(func(*configMap) bool)
	s.Matches = func(cm *configMap) bool { m.r.asked++; return ask(cm) }
	m.read.Add(m.r.d, m.key, dependents.Read{List: s.ID}, s)
}

// list is an attempt for a key that lists.
func (r *reading) list(key types.NamespacedName, opts ...informer.ListOption) {
	m := attempted{r: r, key: key, read: &dependents.Reads{}}
	a := journal.New(context.Background(), journal.Config{Recorder: m})
	defer a.End()
	_, _ = r.in.List(a.Context(), opts...) // the informer does not run: that it was asked is what counts
	r.replace(key, *m.read)
}

// replace does what a worker does after an attempt.
func (r *reading) replace(key types.NamespacedName, now dependents.Reads) {
	r.of[key].Keep(key, now)
	r.of[key] = now
}

func configMapWith(namespace string, of map[string]string, color string) *configMap {
	return &configMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "c", Labels: of}, Data: map[string]string{"color": color}}
}

func exactly(t testing.TB, text string) informer.ListOption {
	t.Helper()
	selector, err := labels.Parse(text)
	require.NoError(t, err)
	return informer.Matching(selector)
}

// differing are ways in which the lists of many keys differ, and an object of one of the lists.
func differing(t testing.TB) map[string]func(i int) ([]informer.ListOption, *configMap) {
	app := func(i int) map[string]string { return map[string]string{"app": strconv.Itoa(i)} }
	return map[string]func(i int) ([]informer.ListOption, *configMap){
		"label": func(i int) ([]informer.ListOption, *configMap) {
			return []informer.ListOption{informer.MatchingLabels(app(i))}, configMapWith("ns", app(i), "")
		},
		"label beside one that all ask for": func(i int) ([]informer.ListOption, *configMap) {
			of := app(i)
			of["a-common"], of["z-common"] = "x", "y"
			return []informer.ListOption{informer.In("ns"), informer.MatchingLabels(of)}, configMapWith("ns", of, "")
		},
		"set of one value": func(i int) ([]informer.ListOption, *configMap) {
			return []informer.ListOption{exactly(t, fmt.Sprintf("x,app in (%d),y notin (z)", i))}, configMapWith("ns", app(i), "")
		},
		"namespace": func(i int) ([]informer.ListOption, *configMap) {
			ns := strconv.Itoa(i)
			return []informer.ListOption{informer.In(ns), exactly(t, "app in (a,b)")}, configMapWith(ns, nil, "")
		},
		"index": func(i int) ([]informer.ListOption, *configMap) {
			return []informer.ListOption{informer.In("ns"), informer.WithIndex("color", strconv.Itoa(i))}, configMapWith("ns", nil, strconv.Itoa(i))
		},
	}
}

// costs returns how many lists 10,000 events ask, and the allocations of one of them, with so many keys that read.
func costs(t *testing.T, keys int, of func(i int) ([]informer.ListOption, *configMap)) (asked int, allocs float64) {
	t.Helper()
	r := newReading(t)
	for i := range keys {
		opts, _ := of(i)
		r.list(named(strconv.Itoa(i)), opts...)
	}
	_, obj := of(7)
	after := obj.DeepCopy()
	const events = 10_000
	for range events {
		readers(r, r.in, obj, after)
	}
	asked = r.asked
	return asked, testing.AllocsPerRun(100, func() { readers(r, r.in, obj, after) })
}

// Kills: events that ask each list of each key.
func TestAnEventAsksOnlyTheListsThatItMayConcern(t *testing.T) {
	for what, of := range differing(t) {
		t.Run(what, func(t *testing.T) {
			few, fewAllocs := costs(t, 125, of)
			many, manyAllocs := costs(t, 1000, of)
			require.Positive(t, few)
			require.LessOrEqual(t, many, 2*few)
			require.LessOrEqual(t, manyAllocs, 2*fewAllocs)
		})
	}
}

// own is a selector that a user wrote.
type own struct{ labels.Selector }

// TestReadersAreThoseWhoseListsMatch compares with asking every list. Kills: lists that are looked for
// in the wrong place, and what stays of those that nobody reads any more.
func TestReadersAreThoseWhoseListsMatch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	some := func(of ...string) string { return of[random.IntN(len(of))] }
	r := newReading(t)
	wanted := map[types.NamespacedName]func(*configMap) bool{}
	for round := range 300 {
		key := named(strconv.Itoa(random.IntN(60)))
		selector, err := labels.Parse(some("", "a=1", "a=2", "a==1,b=2", "a in (1)", "a in (1,2)", "a notin (1)", "b", "!b", "a!=1,b in (2)", "a=1,a=2", "b="))
		require.NoError(t, err)
		switch random.IntN(8) {
		case 0:
			selector = labels.Nothing()
		case 1:
			selector = own{selector}
		}
		namespace, opts := some("", "x", "y"), []informer.ListOption{informer.Matching(selector)}
		color := some("", "red", "blue")
		if color != "" {
			opts = append(opts, informer.WithIndex("color", color))
		}
		r.list(key, append(opts, informer.In(namespace))...)
		wanted[key] = func(cm *configMap) bool {
			return (namespace == "" || namespace == cm.Namespace) && (color == "" || color == cm.Data["color"]) && selector.Matches(labels.Set(cm.Labels))
		}
		object := func() *configMap {
			of := map[string]string{}
			for _, label := range []string{"a", "b"} {
				if value := some("none", "", "1", "2"); value != "none" {
					of[label] = value
				}
			}
			return configMapWith(some("x", "y", "z"), of, some("", "red", "green"))
		}
		before, after := object(), object()
		var want []types.NamespacedName
		for key, matches := range wanted {
			if matches(before) || matches(after) {
				want = append(want, key)
			}
		}
		require.ElementsMatch(t, want, readers(r, r.in, before, after), "round %d", round)
	}
	for key := range wanted {
		r.replace(key, nil)
	}
	require.Equal(t, dependents.New(), r.d, "nothing is left")
}

// BenchmarkReferences is what an event costs on the goroutine that tells of it, with so many keys that
// read a list each.
func BenchmarkReferences(b *testing.B) {
	ways := differing(b)
	for _, what := range slices.Sorted(maps.Keys(ways)) {
		for _, keys := range []int{125, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", what, keys), func(b *testing.B) {
				r := newReading(b)
				for i := range keys {
					opts, _ := ways[what](i)
					r.list(named(strconv.Itoa(i)), opts...)
				}
				_, obj := ways[what](7)
				after := obj.DeepCopy()
				b.ReportAllocs()
				for b.Loop() {
					readers(r, r.in, obj, after)
				}
			})
		}
	}
}
