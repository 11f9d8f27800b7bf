package unseen

import (
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
)

// lags are caches that show no write, until they have caught up. They skipped what was stored.
type lags struct{ caughtUp atomic.Bool }

func (l *lags) Show(journal.Write) bool { return l.caughtUp.Load() }

func (l *lags) Skipped(w journal.Write) bool { return w.Outcome == journal.Stored && l.caughtUp.Load() }

func (*lags) Overtaken(journal.Write) bool { return false }

var kind = schema.GroupKind{Kind: "ConfigMap"}

func named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "ns", Name: name}
}

func writesTo(names ...string) map[journal.Ref]journal.Write {
	writes := map[journal.Ref]journal.Write{}
	for _, name := range names {
		ref := journal.Ref{Kind: kind, Key: named(name)}
		writes[ref] = journal.Write{Ref: ref, ResourceVersion: "9", At: time.Now(), Since: time.Now()}
	}
	return writes
}

func requireEmpty(t *testing.T, o *Tracker) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	require.Empty(t, o.waiting)
	require.Zero(t, o.Open())
}

// TestG19OwnWritesLeaveNothing once they are shown, replaced or forgotten. Two keys wait for
// one object. Kills: any entry that stays.
func TestG19OwnWritesLeaveNothing(t *testing.T) {
	for name, end := range map[string]func(*Tracker, *lags, []*Writes){
		"an event": func(o *Tracker, in *lags, _ []*Writes) {
			in.caughtUp.Store(true)
			ready := append(o.Arrived(journal.Ref{Kind: kind, Key: named("x")}), o.Arrived(journal.Ref{Kind: kind, Key: named("z")})...)
			require.ElementsMatch(t, []types.NamespacedName{named("a"), named("b"), named("c")}, ready)
		},
		"no event": func(_ *Tracker, in *lags, _ []*Writes) {
			in.caughtUp.Store(true)
			time.Sleep(time.Minute)
		},
		"a look": func(o *Tracker, in *lags, all []*Writes) {
			in.caughtUp.Store(true)
			for _, u := range all {
				wait, writes := o.Pending(u)
				require.Zero(t, wait)
				require.Empty(t, writes)
			}
		},
		"another attempt": func(o *Tracker, _ *lags, all []*Writes) {
			for _, u := range all {
				require.Nil(t, o.Replace(u, u.key, nil))
			}
		},
		"the objects are gone": func(o *Tracker, _ *lags, all []*Writes) {
			for _, u := range all {
				o.Forget(u)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := &lags{}
				o := New(in, 10*time.Second, func(types.NamespacedName, journal.Write) {})
				defer o.Stop()
				all := []*Writes{
					o.Replace(nil, named("a"), writesTo("x", "y")),
					o.Replace(nil, named("b"), writesTo("x")),
					o.Replace(nil, named("c"), writesTo("z")),
				}
				require.EqualValues(t, 3, o.Open())
				end(o, in, all)
				synctest.Wait()
				requireEmpty(t, o)
			})
		})
	}
}

// BenchmarkOwnWriteCheck is what an attempt pays for own-write consistency: with
// nothing open, which is nearly always, and with the writes of 1,000 other keys.
func BenchmarkOwnWriteCheck(b *testing.B) {
	for _, open := range []int{0, 1000} {
		b.Run(strconv.Itoa(open), func(b *testing.B) {
			own := New(&lags{}, time.Hour, nil)
			b.Cleanup(own.Stop)
			for i := range open {
				ref := journal.Ref{Kind: kind, Key: types.NamespacedName{Name: strconv.Itoa(i)}}
				own.Replace(nil, ref.Key, map[journal.Ref]journal.Write{ref: {Ref: ref, ResourceVersion: "5", Since: time.Now()}})
			}
			key := types.NamespacedName{Namespace: "ns", Name: "n"}
			b.ReportAllocs()
			for b.Loop() {
				if wait, _ := own.Pending(nil); wait > 0 {
					b.Fatal("nothing to wait for")
				}
				own.Replace(nil, key, nil)
			}
		})
	}
}
