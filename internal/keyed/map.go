// Package keyed has a map for values that know their own key.
package keyed

import (
	"hash/maphash"
	"iter"
)

// Map is a map[K]V for values that know their key, with what a key is looked up for instead of the key: its hash. For a
// key of two strings that is 24 bytes less in each place of a map, of which a third are free, and the keys to compare with
// are where the value is, which is wanted anyway. It is for one goroutine. Make it with [New]; a
// nil one is empty, and only Put is an error, as with any map.
type Map[K comparable, V any] struct {
	key  func(V) K
	hash func(K) uint64
	by   map[uint64]V
	rest map[K]V // those that came when another one had their hash; nil but for one of 2⁶⁴
}

// New returns an empty Map. key must return the same for a value as long as it is in a Map.
func New[K comparable, V any](key func(V) K) *Map[K, V] {
	seed := maphash.MakeSeed() // so that nobody can choose keys of the same hash
	return &Map[K, V]{key: key, hash: func(k K) uint64 { return maphash.Comparable(seed, k) }}
}

// Get returns the value of a key.
func (m *Map[K, V]) Get(key K) (v V, ok bool) {
	if m == nil {
		return v, false
	}
	if v, ok = m.by[m.hash(key)]; ok && m.key(v) == key {
		return v, true
	}
	v, ok = m.rest[key]
	return v, ok
}

// Put adds a value, or replaces the one that has its key.
func (m *Map[K, V]) Put(v V) {
	key := m.key(v)
	hash := m.hash(key)
	if there, taken := m.by[hash]; taken && m.key(there) != key {
		if m.rest == nil {
			m.rest = map[K]V{}
		}
		m.rest[key] = v
		return
	}
	if m.by == nil {
		m.by = map[uint64]V{}
	}
	m.by[hash] = v
	delete(m.rest, key) // it came when another one had the hash, which has gone
}

// Delete removes the value of a key, if there is one. The last one leaves no memory behind: a map never shrinks.
func (m *Map[K, V]) Delete(key K) {
	if m == nil {
		return
	}
	hash := m.hash(key)
	if v, ok := m.by[hash]; ok && m.key(v) == key {
		if delete(m.by, hash); len(m.by) == 0 {
			m.by = nil
		}
		return
	}
	if delete(m.rest, key); len(m.rest) == 0 {
		m.rest = nil
	}
}

// Len returns the number of values.
func (m *Map[K, V]) Len() int {
	if m == nil {
		return 0
	}
	return len(m.by) + len(m.rest)
}

// All returns the values, in no order. Values may be deleted meanwhile, and none be put.
func (m *Map[K, V]) All() iter.Seq[V] {
	return func(yield func(V) bool) {
		if m == nil {
			return
		}
		for _, v := range m.by {
			if !yield(v) {
				return
			}
		}
		for _, v := range m.rest {
			if !yield(v) {
				return
			}
		}
	}
}
