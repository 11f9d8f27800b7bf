package informer_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
)

// foundBy is the longest that a silent watch goes unnoticed by default: 60 s and a
// fifth to the first probe that sees more than the cache has, the 150 s that the watch
// is left to deliver it, and the reflector's own wait before it lists anew.
const foundBy = 72*time.Second + 150*time.Second + 5*time.Second

func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestG6TheFirstListIsOfNow starts beside a server whose memory lags behind etcd,
// which it answers from when it is asked for any state. Kills: the "0" is sent.
func TestG6TheFirstListIsOfNow(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		ghost := cm("a", "ghost")
		ghost.ResourceVersion = "40"
		o.lag = []*configMap{ghost}
		in, d, _ := subscribed(t, o, nil)
		require.Equal(t, []string{"a/1", "a/2"}, names(list(t, in)))
		require.Equal(t, []string{"added a/1", "added a/2"}, d.read())
		require.Zero(t, o.count(func(a asked) bool { return a.opts.ResourceVersion == "0" }))
		require.Empty(t, o.first().opts.ResourceVersion)
		require.Empty(t, d.errors())
	})
}

// TestG18SilentWatchIsFoundAndListedAnew holds back all events of an open watch.
// Kills: no probe, no expire, no Stop (fakes), no cancelled ctx (the others), 410
// for the reflector left out (it would begin a new watch where the old one was).
func TestG18SilentWatchIsFoundAndListedAnew(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		in, d, _ := subscribed(t, o, nil)
		settle(10 * time.Minute)
		d.read()
		o.silence()
		o.set(cm("a", "3"))
		o.set(cm("a", "1", "red"))
		o.remove("a", "2")
		settle(149 * time.Second)
		require.Empty(t, d.read(), "not before two and a half bookmarks are missing")
		require.Positive(t, in.Lag())
		settle(foundBy - 149*time.Second)
		require.Equal(t, []string{"added a/3", "deleted a/2", "updated a/1"}, d.read())
		require.Equal(t, []string{"a/1", "a/3"}, names(list(t, in)))
		errs := d.errors()
		require.Len(t, errs, 1)
		found, step := stale(t, errs[0])
		require.Equal(t, &informer.StaleError{Cached: "102", Listed: "105", For: 150 * time.Second}, found)
		require.Equal(t, "ConfigMap", step.Kind.Kind)
		require.EqualError(t, errs[0], "sync ConfigMap: the watch is silent: the server was at resourceVersion 105 2m30s ago and the cache is at 102; everything is listed anew")
		require.Zero(t, in.Lag())

		o.set(cm("a", "4"))
		settle(time.Hour)
		require.Equal(t, []string{"added a/4"}, d.read(), "the new watch delivers")
		require.Empty(t, d.errors())
	})
}

// TestG18ServerThatWentBackInTime restores a backup behind an open watch.
func TestG18ServerThatWentBackInTime(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		in, d, _ := subscribed(t, o, &informer.Options{Namespaces: []string{"a"}})
		rv, objs := o.snapshot()
		o.set(cm("a", "1", "red"))
		o.set(cm("a", "lost"))
		o.remove("a", "2")
		settle(time.Second)
		require.Equal(t, []string{"a/1", "a/lost"}, names(list(t, in)))
		d.read()
		o.silence()
		o.restore(rv, objs)
		settle(80 * time.Second)
		require.Equal(t, []string{"added a/2", "deleted a/lost", "updated a/1"}, d.read())
		require.Equal(t, []string{"a/1", "a/2"}, names(list(t, in)))
		require.Empty(t, list(t, in, informer.In("a"))[0].Labels)
		errs := d.errors()
		require.Len(t, errs, 1)
		found, step := stale(t, errs[0])
		require.Equal(t, &informer.StaleError{Cached: "105", Listed: "102"}, found)
		require.Equal(t, "a", step.Key.Namespace)
		require.ErrorContains(t, errs[0], "the server went back in time")
		require.Zero(t, in.Lag())
		settle(time.Hour)
		require.Empty(t, d.errors())
	})
}

// TestG18HealthyWatchIsLeftAlone is six hours with writes of other kinds only. Kills:
// comparing with the newest list, a store that is looked at after the answer, probes
// that pile up. G9: nothing else is read.
func TestG18HealthyWatchIsLeftAlone(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		red := labels.SelectorFromSet(labels.Set{"team": "red"})
		in, d, _ := subscribed(t, o, &informer.Options{LabelSelector: red})
		reads := o.count(isRead)
		var longest time.Duration
		for range 6 * 60 * 2 {
			o.others(10)
			settle(30 * time.Second)
			longest = max(longest, in.Lag())
		}
		require.Empty(t, d.errors())
		require.Equal(t, reads, o.count(isRead))
		require.LessOrEqual(t, longest, 90*time.Second)
		require.Positive(t, longest, "an idle kind is behind between two bookmarks")
		probes := o.count(isProbe)
		require.InDelta(t, 6*60, probes, 6*60*0.05)
		require.Equal(t, probes, o.count(func(a asked) bool {
			return isProbe(a) && a.opts.ResourceVersion == "" && a.opts.LabelSelector == "team=red"
		}))
	})
}

// TestG18ProbesAreSpread shows the fifth. Kills: no jitter.
func TestG18ProbesAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.serve(t)
		var at []time.Time
		o.refuseWith(func(a asked) error {
			if isProbe(a) {
				at = append(at, time.Now())
			}
			return nil
		})
		_, d, _ := subscribed(t, o, &informer.Options{Probe: 100 * time.Second})
		settle(100 * 100 * time.Second)
		shortest, longest := time.Hour, time.Duration(0)
		for n := range len(at) - 1 {
			between := at[n+1].Sub(at[n])
			shortest, longest = min(shortest, between), max(longest, between)
		}
		require.GreaterOrEqual(t, shortest, 80*time.Second)
		require.LessOrEqual(t, longest, 120*time.Second)
		require.Greater(t, longest-shortest, 10*time.Second)
		require.Empty(t, d.errors())
	})
}

// TestG18ProbesThatFailAreReportedOncePerRow denies lists, answers, loses answers.
// Kills: a report for each, a report for none.
func TestG18ProbesThatFailAreReportedOncePerRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.streams = true
		o.serve(t)
		_, d, _ := subscribed(t, o, nil)
		for _, refusal := range []error{
			apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no role")),
			io.ErrUnexpectedEOF,
		} {
			o.refuseWith(func(a asked) error {
				if isProbe(a) {
					return refusal
				}
				return nil
			})
			settle(time.Hour)
			errs := d.errors()
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], refusal)
			require.ErrorContains(t, errs[0], "list ConfigMap: probe the watch: ")
			o.refuseWith(nil)
			settle(2 * time.Minute)
		}
		require.Greater(t, o.count(isProbe), 100, "the next one comes as planned")
		require.Empty(t, d.errors())
	})
}

// TestG18AProbeThatHangsEnds lets lists of one object hang until their ctx ends.
func TestG18AProbeThatHangsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.streams = true
		o.serve(t)
		_, d, _ := subscribed(t, hanging{o}, nil)
		settle(time.Hour)
		require.InDelta(t, 30, o.count(isProbe), 4, "each takes an interval, and is waited for")
		errs := d.errors()
		require.Len(t, errs, 1)
		require.Equal(t, kerr.ClassTimeout, kerr.ClassOf(errs[0]))
	})
}

// TestG18NoConclusionsWithoutNumbers runs over a client-go fake, whose lists and
// objects are numbered apart, over a server that does not number, and over one that does not
// number the answers to probes. Kills: probes of fakes, probes for nothing.
func TestG18NoConclusionsWithoutNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := cm("a", "1"), cm("a", "2")
		first.ResourceVersion, second.ResourceVersion = "101", "102" // the fake numbers its lists from 1
		cs := fake.NewClientset(first)
		_, d, _ := subscribed(t, repoOf(cs), nil)
		_, err := cs.CoreV1().ConfigMaps("a").Create(t.Context(), second, metav1.CreateOptions{})
		require.NoError(t, err)
		actions := len(cs.Actions())
		settle(2 * time.Hour)
		require.Len(t, cs.Actions(), actions)
		require.Empty(t, d.errors())
	})
	for _, number := range []string{"", "0", "v7"} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin()
			o.serve(t)
			in, d, _ := subscribed(t, unnumbered{o, number}, nil)
			reads := o.count(isRead)
			settle(2 * time.Hour)
			require.Equal(t, reads, o.count(isRead))
			require.Zero(t, o.count(isProbe), "nothing to compare an answer with")
			require.Empty(t, d.errors())
			require.Zero(t, in.Lag())
		})
	}
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.bookless = true
		_, d, _ := subscribed(t, vague{o}, nil)
		settle(2 * time.Hour)
		require.Positive(t, o.count(isProbe))
		require.Empty(t, d.errors())
	})
}

// TestG18AnAnswerThatIsLateIsNotOld lets the watch deliver while an answer is on its
// way. Kills: the cache is looked at afterwards.
func TestG18AnAnswerThatIsLateIsNotOld(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		_, d, _ := subscribed(t, late{o}, nil)
		settle(time.Hour)
		require.Greater(t, o.count(isProbe), 40)
		require.Greater(t, len(d.read()), 40)
		require.Empty(t, d.errors())
	})
}

// TestG18ProbesCanBeTurnedOff takes a negative interval.
func TestG18ProbesCanBeTurnedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.serve(t)
		in, d, _ := subscribed(t, o, &informer.Options{Probe: -1})
		o.silence()
		o.others(1)
		settle(2 * time.Hour)
		require.Zero(t, o.count(isProbe))
		require.Empty(t, d.errors())
		require.Zero(t, in.Lag())
	})
}

// TestG18ServerWithoutBookmarksIsListedLessAndLess: an idle watch looks silent there.
// Kills: patience that does not grow, or that is not reset.
func TestG18ServerWithoutBookmarksIsListedLessAndLess(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.bookless = true
		_, d, _ := subscribed(t, o, nil)
		for range 6 * 60 {
			o.others(1)
			settle(time.Minute)
		}
		require.InDelta(t, 4+(6*60-37)/41, len(d.errors()), 1, "after 2.5, 5, 10, 20, 40, 40, ... min")
		for range 60 {
			o.set(cm("a", "1"))
			settle(time.Minute)
		}
		require.Empty(t, d.errors(), "the watch delivers")
		o.silence()
		o.set(cm("a", "1"))
		settle(foundBy)
		require.Len(t, d.errors(), 1, "and has won back the trust")
	})
}

// TestG18ListingAnewThatHangsIsTriedAgain lets everything after the silence hang but
// probes. Kills: expire that ends watches only, a gap that is forced once only.
func TestG18ListingAnewThatHangsIsTriedAgain(t *testing.T) {
	for _, streams := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(cm("a", "1"))
			o.streams = streams
			o.serve(t)
			stuck := &stuck{origin: o}
			in, d, _ := subscribed(t, stuck, nil)
			o.silence()
			stuck.hang(true)
			o.set(cm("a", "2"))
			settle(foundBy)
			require.Len(t, list(t, in), 1)
			lag := in.Lag()
			require.GreaterOrEqual(t, lag, 150*time.Second)
			require.Len(t, d.errors(), 1)
			stuck.hang(false)
			settle(300 * time.Second)
			require.Len(t, list(t, in), 2)
			errs := d.errors()
			found, _ := stale(t, errs[0])
			require.Equal(t, 450*time.Second, found.For)
			require.Zero(t, in.Lag())
		})
	}
}

// TestG18AServerThatWentBackBeforeTheCacheGotThere: what the cache was to reach is
// never reached, and that is no reason to list over and over. Kills: a gap that is
// never corrected.
func TestG18AServerThatWentBackBeforeTheCacheGotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.bookless = true
		in, d, _ := subscribed(t, o, nil)
		o.others(10)
		rv, objs := o.snapshot()
		o.others(1000)
		settle(73 * time.Second)
		require.Positive(t, in.Lag())
		o.restore(rv, objs)
		o.set(cm("a", "1"))
		settle(time.Hour)
		require.Empty(t, d.errors(), "the watch got there by itself")
		require.Zero(t, in.Lag())
	})
}

// TestG18FoundWhileTheWatchBegins: the request for the watch takes ten minutes, does
// not end with its ctx, and then delivers nothing. Kills: a watch that is not stopped
// because there was none when the cache was found stale.
func TestG18FoundWhileTheWatchBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.byStop = true
		o.serve(t)
		in, d, _ := subscribed(t, &tardy{origin: o}, nil)
		o.set(cm("a", "2"))
		settle(10*time.Minute + 5*time.Second)
		require.Equal(t, []string{"a/1", "a/2"}, names(list(t, in)))
		require.Len(t, d.errors(), 2)
	})
}

// TestG18AFirstListThatHangsIsTriedAgain answers nothing but probes, from the start.
// Kills: probes of full caches only, a cache that is as new as the server because it has no
// number, no patience with a first list.
func TestG18AFirstListThatHangsIsTriedAgain(t *testing.T) {
	for _, streams := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(cm("a", "1"))
			o.streams = streams
			o.serve(t)
			stuck := &stuck{origin: o}
			stuck.hang(true)
			in, d, _ := subscribed(t, stuck, nil)
			settle(5 * time.Minute)
			require.Empty(t, d.errors(), "it may take long")
			require.Positive(t, in.Lag())
			stuck.hang(false) // for who asks again
			settle(30 * time.Second)
			_, err := in.List(t.Context())
			require.ErrorIs(t, err, informer.ErrNotKnown, "it hangs")
			settle(time.Minute)
			require.Len(t, list(t, in), 1)
			require.Equal(t, []string{"added a/1"}, d.read())
			errs := d.errors()
			require.Len(t, errs, 1)
			require.EqualError(t, errs[0], "sync ConfigMap: the first list hangs: the server was at resourceVersion 101 5m0s ago and the cache is empty; everything is listed anew")
			require.Zero(t, in.Lag())
			settle(time.Hour)
			require.Empty(t, d.errors())
		})
	}
}

// TestG18AFirstListThatFailsIsNotProbed: who lists is told why, and nobody else asks.
// Kills: probes of all empty caches.
func TestG18AFirstListThatFailsIsNotProbed(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.refuse = func(a asked) error { return apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no")) }
		in, _, _ := subscribed(t, o, nil)
		settle(time.Hour)
		require.Zero(t, o.count(isProbe))
		require.Zero(t, in.Lag())
	})
}
