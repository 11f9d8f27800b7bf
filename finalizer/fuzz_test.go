package finalizer_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// FuzzG4OnlyOurFinalizerChanges has another list on the server than the one that was
// seen, and takes the finalizer through its life there.
func FuzzG4OnlyOurFinalizerChanges(f *testing.F) {
	f.Add("", "")
	f.Add("ab", "axbx")
	f.Add("x", "")
	f.Add("xxa", "ba")
	f.Fuzz(func(t *testing.T, seen, live string) {
		if len(seen)+len(live) > 100 {
			t.Skip("long enough")
		}
		b := setup(t, configMap(list(seen)...))
		old := b.live(t)
		b.edit(t, func(cm *corev1.ConfigMap) { cm.Finalizers = list(live) })

		_, err := b.reconcile(t, old)
		require.NoError(t, err)
		now := b.live(t).Finalizers
		require.Equal(t, others(list(live)), others(now), "the others stay, in their order")
		if !slices.Contains(list(seen), ours) {
			require.Contains(t, now, ours)
			require.LessOrEqual(t, count(now), max(1, count(list(live))), "not added twice")
		}

		b.delete(t)
		if cm := b.live(t); cm != nil {
			_, err = b.reconcile(t, cm)
			require.NoError(t, err)
		}
		if cm := b.live(t); cm != nil {
			require.Equal(t, others(list(live)), cm.Finalizers)
		}
	})
}

// list makes a list of finalizers of a string: each x is ours.
func list(s string) (finalizers []string) {
	for _, c := range []byte(s) {
		if c == 'x' {
			finalizers = append(finalizers, ours)
		} else {
			finalizers = append(finalizers, "example.com/f"+string('a'+rune(c%26)))
		}
	}
	return finalizers
}

func others(finalizers []string) (rest []string) {
	for _, f := range finalizers {
		if f != ours {
			rest = append(rest, f)
		}
	}
	return rest
}

func count(finalizers []string) int { return len(finalizers) - len(others(finalizers)) }
