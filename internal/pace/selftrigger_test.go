package pace_test

import (
	"hash/maphash"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/pace"
)

// The event of an end that an attempt has caused is its own, whether it deleted the object or removed
// its last finalizer.
func TestAnEndIsOnesOwnEitherWay(t *testing.T) {
	seed := maphash.MakeSeed()
	ref := journal.Ref{Kind: schema.GroupKind{Kind: "Secret"}, Key: types.NamespacedName{Namespace: "ns", Name: "a"}}
	end := pace.State{Kind: ref.Kind, Key: ref.Key}
	for _, outcome := range []journal.Outcome{journal.Deleted, journal.Gone} {
		var l *pace.SelfTrigger
		l = l.Learn(seed, []journal.Write{{Ref: ref, Outcome: outcome, ResourceVersion: "7"}})
		require.True(t, l.Wrote(seed, end), outcome)
		require.False(t, l.Wrote(seed, pace.State{Kind: ref.Kind, Key: ref.Key, RV: "7"}), outcome)
	}
	var l *pace.SelfTrigger
	l = l.Learn(seed, []journal.Write{{Ref: ref, Outcome: journal.Stored, ResourceVersion: "7"}})
	require.False(t, l.Wrote(seed, end))
}
