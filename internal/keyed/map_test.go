package keyed

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

type value struct {
	key  string
	data int
}

func (v *value) name() string { return v.key }

// TestMapIsAMap does at random what it does to a map, with hashes that all differ, and with a few that all share.
// Kills: a value that another one with its hash replaces, hides, or brings back.
func TestMapIsAMap(t *testing.T) {
	for name, hashes := range map[string]uint64{"a hash each": 1 << 62, "three hashes": 3, "one hash": 1} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, hashes))
			m, want := New((*value).name), map[string]*value{}
			hash := m.hash
			m.hash = func(key string) uint64 { return hash(key) % hashes }
			for range 20_000 {
				v := &value{string(rune('a' + random.IntN(12))), random.IntN(100)}
				if random.IntN(2) == 0 {
					m.Put(v)
					want[v.key] = v
				} else {
					m.Delete(v.key)
					delete(want, v.key)
				}
				require.Equal(t, len(want), m.Len())
				got, ok := m.Get(v.key)
				require.Equal(t, want[v.key], got)
				require.Equal(t, want[v.key] != nil, ok)
			}
			require.ElementsMatch(t, slices.Collect(maps.Values(want)), slices.Collect(m.All()))
			for key := range want {
				m.Delete(key)
			}
			require.Nil(t, m.by, "the last one leaves no memory behind")
			require.Nil(t, m.rest)
			for range m.All() {
				t.Fatal("there is nothing left")
			}
		})
	}
}

// Kills: a panic where a map that is not there would be empty.
func TestANilMapIsEmpty(t *testing.T) {
	var m *Map[string, *value]
	m.Delete("a")
	_, ok := m.Get("a")
	require.False(t, ok)
	require.Zero(t, m.Len())
	require.Empty(t, slices.Collect(m.All()))
}

func TestMapAllocatesNothingToLookUp(t *testing.T) {
	m := New(func(v *[2]string) [2]string { return *v })
	v := &[2]string{"namespace", "name"}
	m.Put(v)
	key := *v
	require.Zero(t, testing.AllocsPerRun(100, func() { m.Get(key) }))
}

func BenchmarkGet(b *testing.B) {
	keys := make([][2]string, 30_000)
	m, plain := New(func(v *[2]string) [2]string { return *v }), map[[2]string]*[2]string{}
	for i := range keys {
		keys[i] = [2]string{"default", "widget-" + string(rune('a'+i%26)) + string(rune(i))}
		m.Put(&keys[i])
		plain[keys[i]] = &keys[i]
	}
	order := rand.Perm(len(keys))
	b.Run("keyed", func(b *testing.B) {
		for i := range b.N {
			m.Get(keys[order[i%len(order)]])
		}
	})
	b.Run("map", func(b *testing.B) {
		for i := range b.N {
			_ = plain[keys[order[i%len(order)]]]
		}
	})
}
