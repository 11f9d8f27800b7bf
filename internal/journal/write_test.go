package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
)

func object(uid, rv string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n", UID: types.UID(uid), ResourceVersion: rv}}
}

func deleted(obj *corev1.ConfigMap) *corev1.ConfigMap {
	obj.DeletionTimestamp = new(metav1.Now())
	return obj
}

func labelled(obj *corev1.ConfigMap, label string) *corev1.ConfigMap {
	obj.Labels = map[string]string{"l": label}
	return obj
}

// Kills: a comparison that takes what cannot be compared for shown; one that takes another
// object of the same name for the one written.
func TestG5WhenACacheShowsAWrite(t *testing.T) {
	stored := func(uid, rv string) journal.Write { return journal.Found(journal.Ref{}, object(uid, rv)) }
	gone := func(outcome journal.Outcome, uid, rv string) journal.Write {
		return journal.Write{Outcome: outcome, UID: types.UID(uid), ResourceVersion: rv}
	}
	for name, c := range map[string]struct {
		write  journal.Write
		cached *corev1.ConfigMap
		synced string
		shown  bool
	}{
		"the very state":                      {stored("u", "7"), object("u", "7"), "", true},
		"a newer one":                         {stored("u", "7"), object("u", "10"), "", true},
		"an older one":                        {stored("u", "10"), object("u", "9"), "", false},
		"not there, and all was seen":         {stored("u", "7"), nil, "7", true},
		"not there yet":                       {stored("u", "7"), nil, "6", false},
		"nothing is known of the cache":       {stored("u", "7"), nil, "", false},
		"an older object of the name":         {stored("v", "7"), object("u", "5"), "", false},
		"a newer object of the name":          {stored("u", "7"), object("v", "9"), "", true},
		"not a number in the cache":           {stored("u", "7"), object("u", "x"), "", false},
		"not a number in the answer":          {stored("u", "x"), object("u", "8"), "", false},
		"no numbers, the same content":        {journal.Found(journal.Ref{}, labelled(object("", ""), "a")), labelled(object("", ""), "a"), "", true},
		"no numbers, other content":           {journal.Found(journal.Ref{}, labelled(object("", ""), "a")), labelled(object("", ""), "b"), "", false},
		"no numbers, not there":               {stored("", ""), nil, "", false},
		"deleted, still there":                {gone(journal.Deleted, "u", "7"), object("u", "7"), "", false},
		"deleted, going":                      {gone(journal.Deleted, "u", "7"), deleted(object("u", "8")), "", true},
		"deleted, not there":                  {gone(journal.Deleted, "u", "7"), nil, "8", true},
		"deleted before its creation arrived": {gone(journal.Deleted, "u", "7"), nil, "6", false},
		"deleted, made anew":                  {gone(journal.Deleted, "u", "7"), object("v", "9"), "", true},
		"deleted, the one before it":          {gone(journal.Deleted, "u", "7"), object("t", "5"), "", false},
		"deleted, without numbers":            {gone(journal.Deleted, "", ""), nil, "", true},
		"gone, still there":                   {gone(journal.Gone, "u", "7"), deleted(object("u", "8")), "", false},
		"gone, nobody knows which":            {gone(journal.Gone, "", ""), object("u", "8"), "", false},
		"gone, not there":                     {gone(journal.Gone, "", ""), nil, "", true},
		"unknown, there":                      {journal.Write{Outcome: journal.Unknown}, object("u", "8"), "", false},
		"unknown, not there":                  {journal.Write{Outcome: journal.Unknown}, nil, "9", false},
	} {
		var cached journal.Object
		if c.cached != nil {
			cached = c.cached
		}
		require.Equal(t, c.shown, c.write.ShownBy(cached, c.synced), name)
	}
	require.True(t, stored("u", "7").Waitable())
	require.True(t, gone(journal.Deleted, "u", "").Waitable())
	require.False(t, stored("u", "x").Waitable())
	require.False(t, journal.Write{Outcome: journal.Unknown}.Waitable())
}

func TestG5TheNewestWriteCounts(t *testing.T) {
	ref := journal.Ref{Key: types.NamespacedName{Namespace: "ns", Name: "n"}}
	earlier := journal.Found(ref, object("u", "7"))
	earlier.Since = time.Now().Add(-time.Minute)
	a := journal.New(t.Context(), journal.Config{Earlier: map[journal.Ref]journal.Write{ref: earlier}})
	defer a.End()
	last := func() journal.Write { w, _ := a.Last(ref); return w }

	a.Wrote("", journal.Found(ref, object("u", "9")))
	a.Wrote("", journal.Found(ref, object("u", "8"))) // answered later, by another goroutine
	require.Equal(t, "9", last().ResourceVersion)
	require.Equal(t, 2, a.Count())

	a.Wrote("", journal.Write{Ref: ref, Outcome: journal.Deleted, UID: "u", ResourceVersion: "8"})
	require.Equal(t, "9", last().ResourceVersion)
	require.Equal(t, journal.Deleted, last().Outcome)

	a.Learned(journal.Write{Ref: ref, Outcome: journal.Gone})
	require.Equal(t, types.UID("u"), last().UID)
	a.Learned(journal.Found(ref, object("u", "5")))
	require.Equal(t, "5", last().ResourceVersion, "what the server says now, also after a rollback")
	require.Len(t, a.LastOf(ref.Kind), 1)
	a.Unsure(ref)
	require.Equal(t, journal.Unknown, last().Outcome)
	require.Len(t, a.All(), 1)
	require.Len(t, a.Own(), 3)
}

func TestG5TheWaitBeginsWithTheFirstWrite(t *testing.T) {
	ref := journal.Ref{Key: types.NamespacedName{Namespace: "ns", Name: "n"}}
	earlier := journal.Found(ref, object("u", "7"))
	earlier.Since = time.Now().Add(-time.Minute)
	a := journal.New(t.Context(), journal.Config{Earlier: map[journal.Ref]journal.Write{ref: earlier}})
	defer a.End()
	a.Learned(journal.Found(ref, object("u", "7")))
	w, _ := a.Last(ref)
	require.Equal(t, earlier.Since, w.Since, "a live read does not begin it again")
	require.Less(t, time.Since(w.At), time.Minute)
	a.Wrote("", journal.Found(ref, object("u", "8")))
	w, _ = a.Last(ref)
	require.Less(t, time.Since(w.Since), time.Minute, "another write does")
}
