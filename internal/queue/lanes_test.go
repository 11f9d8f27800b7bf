package queue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/internal/queue"
)

// inTenants runs f with a queue of keys such as "tenant/key".
func inTenants(t *testing.T, f func(t *testing.T, q queue.ByKey)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := queue.NewByKey(queue.Options[string]{Base: base, Max: most, Tenant: func(key string) string {
			tenant, _, _ := strings.Cut(key, "/")
			return tenant
		}})
		defer q.ShutDown()
		f(t, q)
	})
}

// taken works on n keys and returns them in order.
func taken(t *testing.T, q queue.ByKey, n int) string {
	t.Helper()
	var keys []string
	for range n {
		key, _, waited := next(t, q)
		require.Zero(t, waited)
		keys = append(keys, key)
		q.Done(key)
	}
	return strings.Join(keys, " ")
}

func addAll(q queue.ByKey, weight queue.Weight, keys ...string) {
	for _, key := range keys {
		q.Add(key, "because", weight)
	}
}

// Kills: one line for all tenants, a line that keeps its turn until it is empty.
func TestS7TenantsTakeTurns(t *testing.T) {
	inTenants(t, func(t *testing.T, q queue.ByKey) {
		addAll(q, queue.Change, "a/1", "a/2", "a/3", "a/4", "b/1", "b/2", "c/1")
		require.Equal(t, "a/1 b/1 c/1 a/2 b/2 a/3 a/4", taken(t, q, 7))
		require.Zero(t, q.Len())
		addAll(q, queue.Change, "a/1", "a/2")
		require.Equal(t, "a/1", taken(t, q, 1))
		addAll(q, queue.Change, "a/3", "b/1")
		require.Equal(t, "a/2 b/1 a/3", taken(t, q, 3), "who comes later waits one turn of each other tenant at most")
	})
}

// Kills: one lane for everything, a background lane that waits for the end of the
// changes.
func TestG10ChangesComeBeforeTheBackgroundWhichIsNotStarved(t *testing.T) {
	inTenants(t, func(t *testing.T, q queue.ByKey) {
		addAll(q, queue.Background, "a/1", "a/2", "a/3")
		for i := range 8 {
			q.Add(fmt.Sprint("b/", i), "change", queue.Change)
		}
		require.Equal(t, "b/0 b/1 b/2 b/3 a/1 b/4 b/5 b/6 b/7 a/2 a/3", taken(t, q, 11))
		addAll(q, queue.Background, "a/1")
		require.Equal(t, "a/1", taken(t, q, 1))
		require.Zero(t, q.Background(), "nobody has to be asked for the lane")
	})
}

// Kills: a key that stays where it is, a key that is worked on in both lanes.
func TestG10AChangeMovesAKeyOutOfTheBackground(t *testing.T) {
	inTenants(t, func(t *testing.T, q queue.ByKey) {
		addAll(q, queue.Background, "a/1", "a/2", "a/3", "b/1")
		addAll(q, queue.Change, "a/3")
		require.Equal(t, 4, q.Len())
		require.Equal(t, "a/3", taken(t, q, 1))
		addAll(q, queue.Background, "a/3") // behind the place that it left
		addAll(q, queue.Change, "a/3")     // and out again
		addAll(q, queue.Background, "a/4")
		require.Equal(t, 5, q.Len())
		require.Equal(t, "a/3 a/1 b/1 a/2 a/4", taken(t, q, 5))
		require.Zero(t, q.Len())
	})
}

func TestG10TheLastKeyOfTheBackgroundMovesOut(t *testing.T) {
	inTenants(t, func(t *testing.T, q queue.ByKey) {
		for range 3 {
			addAll(q, queue.Background, "a/1", "a/2")
			addAll(q, queue.News, "a/1", "a/2")
			require.Equal(t, "a/1 a/2", taken(t, q, 2))
			require.Zero(t, q.Len())
			require.Zero(t, q.Background())
		}
	})
}

// A key is in one lane, once, whatever happens to it in which order.
func FuzzG10LanesLoseAndRepeatNothing(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0x41, 0x80, 0x42, 0x80, 0x80})
	f.Add([]byte{0, 0x40, 0x80, 0, 0x40, 0, 0x80, 0x80})
	f.Fuzz(func(t *testing.T, steps []byte) {
		inTenants(t, func(t *testing.T, q queue.ByKey) {
			waiting := map[string]bool{}
			for _, step := range steps {
				key := fmt.Sprint(step>>2&3, "/", step&3)
				switch step >> 6 {
				case 0:
					q.Add(key, "x", queue.Background)
					waiting[key] = true
				case 1:
					q.Add(key, "x", queue.Change)
					waiting[key] = true
				default:
					if len(waiting) > 0 {
						got, _, _ := next(t, q)
						require.True(t, waiting[got])
						delete(waiting, got)
						q.Done(got)
					}
				}
				require.Equal(t, len(waiting), q.Len())
			}
			for range len(waiting) {
				got, _, _ := next(t, q)
				require.True(t, waiting[got])
				delete(waiting, got)
				q.Done(got)
			}
		})
	})
}

// FuzzG10AKeyKeepsItsPlace compares the order with that of two lists, from which a key is taken out when it moves up. Keys are
// known for good, as those of objects are. Kills: a key that gets a place that it left, and so comes before others.
func FuzzG10AKeyKeepsItsPlace(f *testing.F) {
	f.Add([]byte{0, 1, 0x41, 0x80, 1, 0x41, 0x80, 2, 3, 1, 0x80, 0x80, 0x80})
	f.Fuzz(func(t *testing.T, steps []byte) {
		q := queue.New[byte, string, int](queue.Options[byte]{Base: base, Max: most})
		defer q.ShutDown()
		var changes, background []byte
		passed := 0
		for _, step := range steps {
			key := step & 7
			waits := slices.Contains(changes, key)
			behind := slices.Contains(background, key)
			switch step >> 6 {
			case 0:
				q.Add(key, "x", queue.Background)
				if !waits && !behind {
					background = append(background, key)
				}
			case 1:
				q.Add(key, "x", queue.Change)
				if !waits {
					background = slices.DeleteFunc(background, func(k byte) bool { return k == key })
					changes = append(changes, key)
				}
			default:
				if len(changes)+len(background) == 0 {
					continue
				}
				from := &background
				switch {
				case len(background) == 0:
					from = &changes
				case len(changes) > 0 && passed < 4:
					from = &changes
					passed++
				default:
					passed = 0
				}
				it, _, _, _ := q.Get()
				require.Equal(t, (*from)[0], it.Key)
				*from = (*from)[1:]
				it.Keep = true
				q.Done(it)
			}
			require.Equal(t, len(changes)+len(background), q.Len())
			require.Equal(t, len(background), q.Stats().Background)
		}
	})
}
