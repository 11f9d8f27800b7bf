package informer_test

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

func inNamespace(namespace string) func(asked) bool {
	return func(a asked) bool { return a.namespace == namespace && isRead(a) }
}

// TestNamespacesChangedAtRunTime goes from two of them to two others, to all, to one.
// Kills: what stays is started anew, what goes is not told, is still found, or is
// still watched.
func TestNamespacesChangedAtRunTime(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		o.set(cm("b", "1"))
		o.set(cm("c", "1"))
		o.set(cm("d", "1"))
		in, d, sub := subscribed(t, o, &informer.Options{Namespaces: []string{"a", "b"}})
		late := newDiary()
		other, err := in.Subscribe(t.Context(), late)
		require.NoError(t, err)
		settle(time.Minute)
		require.Equal(t, []string{"added a/1", "added a/2", "added b/1"}, d.read())
		require.Equal(t, []string{"added a/1", "added a/2", "added b/1"}, late.read())
		reads := o.count(inNamespace("b"))

		require.NoError(t, in.SetNamespaces("c", "b", "c"))
		require.Equal(t, []string{"deleted a/1", "deleted a/2"}, d.read(), "told when it returns")
		_, err = in.Get(t.Context(), types.NamespacedName{Namespace: "a", Name: "1"})
		require.ErrorIs(t, err, informer.ErrNotKnown)
		require.True(t, cache.WaitFor(t.Context(), "", sub.Synced()...))
		require.Equal(t, []string{"added c/1"}, d.read())
		require.Equal(t, []string{"b/1", "c/1"}, names(list(t, in)))
		require.Equal(t, reads, o.count(inNamespace("b")), "what stays is left alone")
		settle(time.Second)
		require.Equal(t, []string{"added c/1", "deleted a/1", "deleted a/2"}, late.read(), "all are told")

		o.set(cm("a", "3"))
		o.set(cm("b", "2"))
		settle(time.Hour)
		require.Equal(t, []string{"added b/2"}, d.read())
		require.NoError(t, other.Stop())

		require.NoError(t, in.SetNamespaces())
		settle(time.Second)
		require.Equal(t, []string{
			"added a/1", "added a/2", "added a/3", "added b/1", "added b/2", "added c/1", "added d/1",
			"deleted b/1", "deleted b/2", "deleted c/1",
		}, d.read(), "from some to all everything changes")
		require.NoError(t, in.SetNamespaces("d"))
		settle(time.Second)
		require.Equal(t, []string{"d/1"}, names(list(t, in)))
		require.Len(t, d.read(), 8)
		require.Empty(t, d.errors())
		require.Empty(t, late.errors())
	})
}

// TestNamespacesChangedAtRunTimeTellsWhatWasTold takes a namespace away from under a
// handler that is behind: client-go drops what is pending. Kills: telling what the
// cache has (a/2 would never go, a/3 go without having come).
func TestNamespacesChangedAtRunTimeTellsWhatWasTold(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		in, err := informer.New(o, &informer.Options{Namespaces: []string{"a", "b"}})
		require.NoError(t, err)
		d, gate := newDiary(), make(chan struct{})
		slow := &slowDiary{diary: d, gate: gate}
		sub, err := in.Subscribe(t.Context(), slow)
		require.NoError(t, err)
		settle(time.Millisecond)
		gate <- struct{}{} // a/1 and a/2, in either order
		gate <- struct{}{}
		settle(time.Millisecond)
		o.set(cm("a", "1", "red"))
		settle(time.Millisecond) // it is in the middle of this
		o.remove("a", "2")
		o.set(cm("a", "3"))
		settle(time.Millisecond)
		require.Equal(t, []string{"a/1", "a/3"}, names(list(t, in)))
		done := make(chan error)
		go func() { done <- in.SetNamespaces("b") }()
		settle(time.Millisecond)
		require.Empty(t, list(t, in), "reads change at once")
		close(gate)
		require.NoError(t, <-done)
		require.Equal(t, []string{"added a/1", "added a/2", "deleted a/1", "deleted a/2", "updated a/1"}, d.read())
		require.Equal(t, "red", d.gone["a/1"].Labels["team"], "the last state that was told")
		require.NoError(t, sub.Stop())
	})
}

// slowDiary writes down what it is told when the gate lets it.
type slowDiary struct {
	*diary
	gate chan struct{}
}

func (s *slowDiary) OnAdd(c *configMap, initial bool) { <-s.gate; s.diary.OnAdd(c, initial) }

func (s *slowDiary) OnUpdate(before, after *configMap) { <-s.gate; s.diary.OnUpdate(before, after) }

// TestNamespacesChangedAtRunTimeConcurrently changes, subscribes, reads and stops at
// random. Kills: a map that is changed under its readers, a subscriber who is
// forgotten between two changes.
func TestNamespacesChangedAtRunTimeConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin()
		o.streams = true
		for n := range 26 {
			o.set(cm(string(rune('a'+n)), "1"))
		}
		in, err := informer.New(o, &informer.Options{Namespaces: []string{"a"}})
		require.NoError(t, err)
		last := newDiary()
		sub, err := in.Subscribe(t.Context(), last)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				for round := range 20 {
					namespaces := []string{string(rune('a' + n)), string(rune('a' + round))}
					require.NoError(t, in.SetNamespaces(namespaces[:round%3]...))
					time.Sleep(time.Duration(n) * time.Millisecond)
				}
			})
			wg.Go(func() {
				for range 20 {
					s, err := in.Subscribe(t.Context(), newDiary())
					require.NoError(t, err)
					_ = s.Synced()
					in.View(types.NamespacedName{Namespace: "b", Name: "1"})
					in.ViewList()
					in.Lag()
					in.ListerWatchers()
					time.Sleep(time.Millisecond)
					require.NoError(t, s.Stop())
					require.NoError(t, s.Stop(), "a second time")
				}
			})
		}
		wg.Wait()
		require.NoError(t, in.SetNamespaces("y", "z"))
		require.True(t, cache.WaitFor(t.Context(), "", sub.Synced()...))
		require.Equal(t, []string{"y/1", "z/1"}, names(list(t, in)))
		there := map[string]int{}
		for _, event := range last.read() {
			if key, ok := strings.CutPrefix(event, "added "); ok {
				there[key]++
			} else if key, ok := strings.CutPrefix(event, "deleted "); ok {
				there[key]--
			}
		}
		for key, times := range there {
			want := 0
			if key == "y/1" || key == "z/1" {
				want = 1
			}
			require.Equal(t, want, times, key)
		}
		require.NoError(t, sub.Stop())
	})
}

// TestNamespacesChangedBeforeItRuns, and the errors of New.
func TestNamespacesChangedBeforeItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := serve(t, cm("a", "1"), cm("b", "1"), cm("c", "1"))
		in, err := informer.New(repoOf(cs, repository.InNamespaces("a", "b")), &informer.Options{Namespaces: []string{"a"}})
		require.NoError(t, err)
		require.NoError(t, in.SetNamespaces("b"))
		require.Len(t, in.ListerWatchers(), 1)
		stop := running(t, in)
		require.Equal(t, []string{"b/1"}, names(list(t, in)))
		require.ErrorContains(t, in.SetNamespaces("a", "c"), `set the namespaces of the informer of ConfigMap: namespace "c": the repository is confined to [a b]`)
		require.ErrorContains(t, in.SetNamespaces(""), "is confined")
		require.Equal(t, []string{"b/1"}, names(list(t, in)), "an error changes nothing")
		require.Contains(t, in.ListerWatchers(), "b")
		require.NoError(t, in.SetNamespaces())
		synctest.Wait()
		require.Equal(t, []string{"a/1", "b/1"}, names(list(t, in)))
		stop()
		stop = running(t, in)
		require.Equal(t, []string{"a/1", "b/1"}, names(list(t, in)), "also in its next life")
		stop()

		open, err := informer.New(repoOf(cs), &informer.Options{Namespaces: []string{"a", ""}})
		require.NoError(t, err)
		stop = running(t, open)
		require.Len(t, list(t, open), 3, "all, and nothing twice")
		stop()
		only, err := informer.New(bare{repoOf(cs)}, nil)
		require.NoError(t, err)
		require.ErrorContains(t, only.SetNamespaces("a"), "cannot list a single namespace")
		require.NoError(t, only.SetNamespaces())
	})
}

// TestG20ANamespaceThatIsDeniedHoldsUpNoOther, nor whoever waits for the sync, once it
// is not to be watched any more. Kills: Synced that never completes.
func TestG20ANamespaceThatIsDeniedHoldsUpNoOther(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		o.set(cm("b", "1"))
		o.refuseWith(func(a asked) error {
			if a.namespace == "b" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no role"))
			}
			return nil
		})
		in, d, sub := subscribed(t, o, &informer.Options{Namespaces: []string{"a"}})
		require.NoError(t, in.SetNamespaces("a", "b"))
		waiting := sub.Synced()
		require.Len(t, waiting, 2)
		synced := make(chan bool, 1)
		go func() { synced <- cache.WaitFor(t.Context(), "", waiting...) }()
		o.set(cm("a", "3"))
		settle(time.Minute)
		require.Empty(t, synced)
		require.Equal(t, []string{"added a/1", "added a/2", "added a/3"}, d.read())
		errs := d.errors()
		require.NotEmpty(t, errs)
		require.True(t, apierrors.IsForbidden(errs[0]))

		require.NoError(t, in.SetNamespaces("a"))
		settle(time.Second)
		require.Len(t, synced, 1)
		require.True(t, <-synced)
		settle(time.Hour)
		require.Empty(t, d.errors(), "it is not asked for any more")
	})
}

// TestNamespacesGoAtOnceWhileTheServerIsDown: client-go's reflector does not wake from
// its backoff. Kills: waiting for it.
func TestNamespacesGoAtOnceWhileTheServerIsDown(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		o.set(cm("b", "1"))
		in, d, _ := subscribed(t, o, &informer.Options{Namespaces: []string{"a", "b"}})
		o.refuseWith(func(asked) error { return syscall.ECONNREFUSED })
		o.mu.Lock()
		for tap := range o.taps {
			tap.end()
		}
		o.mu.Unlock()
		settle(10 * time.Minute)
		d.read()
		before := time.Now()
		require.NoError(t, in.SetNamespaces("a"))
		require.Less(t, time.Since(before), time.Millisecond)
		require.Equal(t, []string{"deleted b/1"}, d.read())
		require.Equal(t, []string{"a/1", "a/2"}, names(list(t, in)))
	})
}
