package debug

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
)

// Those that are remembered are those that were worked on last, at any length of the list, and with their own
// attempts. Kills: a list that loses its end; attempts of another object that had the place before.
func TestObjectsAreThoseThatWereWorkedOnLast(t *testing.T) {
	for most := 1; most <= 7; most++ {
		o := newObjects(most, 3)
		var want []types.NamespacedName // the newest last
		random := rand.New(rand.NewPCG(1, uint64(most)))
		for range 2000 {
			key := types.NamespacedName{Name: strconv.Itoa(random.IntN(2*most + 1))}
			if i := slices.Index(want, key); i >= 0 {
				want = slices.Delete(want, i, i+1)
			} else if len(want) == most {
				require.NotNil(t, o.get(want[0]))
				want = want[1:]
			}
			want = append(want, key)
			of := o.of(key, true)
			of.add(attempt{key: key})
			require.ElementsMatch(t, want, slices.Collect(maps.Keys(o.at)))
			for _, one := range of.newest() {
				require.Equal(t, key, one.key)
			}
		}
		require.Nil(t, o.get(types.NamespacedName{Name: "never"}))
	}
}

// Kills: memory that each attempt takes anew, which is most of what the page costs.
func TestAnAttemptAllocatesNothingToBeRemembered(t *testing.T) {
	h := newHistory("c", Options{Objects: 100, Attempts: 10})
	keys := make([]types.NamespacedName, 1000)
	for i := range keys {
		keys[i] = types.NamespacedName{Namespace: "n", Name: strconv.Itoa(i)}
	}
	round := func() {
		for _, key := range keys {
			h.ended(&controller.Attempt{Key: key})
		}
	}
	round()
	require.Nil(t, h.objects.get(keys[len(keys)-1]), "nothing came of it")
	require.NotEmpty(t, h.last(keys[len(keys)-1]), "it is among the last of all")
	require.Empty(t, h.last(keys[200]))
	require.Less(t, testing.AllocsPerRun(5, round), float64(len(keys))/10)
}

// Kills: a resync of many objects, in which nothing happens, that has the one forgotten which failed.
func TestG19WhatIsOfInterestIsNotForgottenForWhatIsNot(t *testing.T) {
	h := newHistory("c", Options{Objects: 3, Attempts: 10})
	key := func(i int) types.NamespacedName { return types.NamespacedName{Name: strconv.Itoa(i)} }
	for i := range 3 {
		h.ended(&controller.Attempt{Key: key(i)})
	}
	for i, at := range []controller.Attempt{{Err: errors.New("x")}, {Writes: 1}, {SelfTriggered: true}, {Parked: 1}, {DeletionBlocked: true}, {Bypassed: true}} {
		at.Key = key(10 + i)
		h.ended(&at)
		require.NotNil(t, h.objects.get(at.Key), "%+v", at)
		require.Len(t, h.objects.at, 3)
	}
	for i := range 2 * mostRecent {
		h.ended(&controller.Attempt{Key: key(100 + i)})
	}
	require.Len(t, h.last(key(15)), 1)
	require.NotContains(t, h.keys(), key(10), "three came later")
	require.Len(t, h.keys(), 3+mostRecent)
}
