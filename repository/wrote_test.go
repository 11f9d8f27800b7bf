package repository_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

var configMapKind = corev1.SchemeGroupVersion.WithKind("ConfigMap")

// Kills: a write of another client that the attempt does not know.
func TestG5WrotesAreWritesOfTheAttempt(t *testing.T) {
	at := journal.New(t.Context(), journal.Config{Kind: parentKind})
	defer at.End()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n", UID: "u", ResourceVersion: "7"}}
	ref := journal.Ref{Kind: configMapKind.GroupKind(), Key: repository.Key(cm)}
	last := func() journal.Write { w, _ := at.Last(ref); return w }

	require.NoError(t, repository.Wrote(at.Context(), configMapKind, cm))
	require.Equal(t, "7", last().ResourceVersion)
	require.Equal(t, journal.Stored, last().Outcome)
	require.NotSame(t, cm, last().Object, "the caller's is the caller's")
	require.NoError(t, repository.WroteUnknown(at.Context(), configMapKind, cm))
	require.Equal(t, journal.Unknown, last().Outcome)
	require.NoError(t, repository.WroteDeletion(at.Context(), configMapKind, cm))
	require.Equal(t, journal.Deleted, last().Outcome)
	require.Equal(t, cm.UID, last().UID)
	require.Equal(t, 2, at.Count(), "nobody knows whether there was a third one")
}

func TestWroteRefusesWhatNamesNothing(t *testing.T) {
	at := journal.New(t.Context(), journal.Config{Kind: parentKind})
	defer at.End()
	for _, ctx := range []context.Context{at.Context(), t.Context()} {
		for name, tell := range map[string]func(schema.GroupVersionKind, *corev1.ConfigMap) error{
			"Wrote": func(k schema.GroupVersionKind, cm *corev1.ConfigMap) error { return repository.Wrote(ctx, k, cm) },
			"WroteDeletion": func(k schema.GroupVersionKind, cm *corev1.ConfigMap) error {
				return repository.WroteDeletion(ctx, k, cm)
			},
			"WroteUnknown": func(k schema.GroupVersionKind, cm *corev1.ConfigMap) error {
				return repository.WroteUnknown(ctx, k, cm)
			},
		} {
			require.ErrorIs(t, tell(configMapKind, nil), kerr.ErrUnnamed, name)
			require.ErrorIs(t, tell(configMapKind, &corev1.ConfigMap{}), kerr.ErrUnnamed, name)
			err := tell(schema.GroupVersionKind{}, owned(t, nil))
			require.ErrorContains(t, err, "the kind is empty", name)
			require.Equal(t, kerr.ClassTerminal, kerr.ClassOf(err), name)
		}
	}
	require.Empty(t, at.All())
	require.NoError(t, repository.Wrote(t.Context(), configMapKind, owned(t, nil)), "outside a reconcile")
}

// settings writes ConfigMaps with a clientset, in place of a repository.
type settings struct{ client kubernetes.Interface }

func (s settings) create(ctx context.Context, cm *corev1.ConfigMap) error {
	got, err := s.client.CoreV1().ConfigMaps(cm.Namespace).Create(ctx, cm, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return repository.Wrote(ctx, corev1.SchemeGroupVersion.WithKind("ConfigMap"), got)
}

// With Wrote, what a clientset writes is known to the reconcile whose ctx it is given.
func ExampleWrote() {
	s := settings{fake.NewClientset()}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"}}
	fmt.Println(s.create(context.Background(), cm))
	// Output: <nil>
}
