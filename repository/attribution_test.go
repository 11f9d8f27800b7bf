package repository_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// TestWritesAreAttributedAndFenced: every write passes the attempt and the fence in ctx.
func TestWritesAreAttributedAndFenced(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	repo := over(t, a)
	obj := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n", UID: "u", ResourceVersion: "6"}}
	other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "other", UID: "o"}}
	lease := fence.New("ns/me", time.Minute)
	lease.Renew(time.Now())
	at := journal.New(fence.With(t.Context(), lease), journal.Config{Kind: repo.Kind(), Key: repository.Key(obj)})
	ctx := at.Context()

	writes := []func() error{
		func() error { _, err := repo.Patch(ctx, obj, types.MergePatchType, []byte("{}")); return err },
		func() error { _, err := repo.Create(ctx, other); return err },
		func() error { _, err := repo.Apply(ctx, other, "me"); return err },
		func() error { return repo.Delete(ctx, other) },
	}
	for _, write := range writes {
		require.NoError(t, write())
	}
	require.Equal(t, len(writes), at.Count())
	last, written := at.Last(journal.Ref{Kind: repo.Kind().GroupKind(), Key: repository.Key(obj)})
	require.True(t, written)
	require.Equal(t, "7", last.ResourceVersion)
	last, _ = at.Last(journal.Ref{Kind: repo.Kind().GroupKind(), Key: repository.Key(other)})
	require.Equal(t, journal.Deleted, last.Outcome)

	lease.Close(errors.New("another process has it"))
	sent := len(a.asked)
	for _, write := range writes {
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(write()))
	}
	require.Len(t, a.asked, sent, "nothing is sent")
	require.Equal(t, len(writes), at.Count())
	_, err := repo.Get(ctx, repository.Key(obj))
	require.NoError(t, err, "reads are not fenced")
}
