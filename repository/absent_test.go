package repository_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// configMapsOn returns a server that has the ConfigMap ns/n, the repository of its ConfigMaps, and
// that object.
func configMapsOn(t *testing.T, opts ...repository.Option) (*sim.Server, *repository.Live[*corev1.ConfigMap], *corev1.ConfigMap) {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps", "jobs.batch"), Namespaces: []string{"ns", "other"}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"), opts...)
	require.NoError(t, err)
	cm, err := repo.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n"}, Data: map[string]string{"k": "v"}})
	require.NoError(t, err)
	return srv, repo, cm
}

// TestDeleteOfAResourceThatIsNotServedIsAnError: nothing was deleted. The router of the groups that
// are compiled into the API server answers 404 without naming an object.
func TestDeleteOfAResourceThatIsNotServedIsAnError(t *testing.T) {
	srv, repo, cm := configMapsOn(t)
	misspelled, err := repository.New[batchv1.Job](srv.Config(), scheme.Scheme, batchv1.SchemeGroupVersion.WithResource("job"))
	require.NoError(t, err)
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n", UID: "u"}}
	require.ErrorIs(t, misspelled.Delete(t.Context(), job), kerr.ErrNotServed)
	_, err = misspelled.Get(t.Context(), repository.Key(job))
	require.ErrorIs(t, err, kerr.ErrNotServed)
	_, err = misspelled.Ensure(t.Context(), job, nil)
	require.ErrorIs(t, err, kerr.ErrNotServed)

	forgot := cm.DeepCopy()
	forgot.Namespace = ""
	require.Error(t, repo.Delete(t.Context(), forgot), "the kind needs a namespace")
	_, err = repo.Get(t.Context(), types.NamespacedName{Name: "n"})
	require.NotEqual(t, kerr.ClassNotFound, kerr.ClassOf(err))
	_, err = repo.Get(t.Context(), repository.Key(cm))
	require.NoError(t, err, "it is still there")
	require.NoError(t, repo.Delete(t.Context(), cm))
	_, err = repo.Get(t.Context(), repository.Key(cm))
	require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
}

// TestAClusterScopedRepositoryRefusesNamespaces, in which there is nothing of the kind.
func TestAClusterScopedRepositoryRefusesNamespaces(t *testing.T) {
	srv, _, _ := configMapsOn(t)
	repo, err := repository.New[corev1.Namespace](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("namespaces"), repository.ClusterScoped())
	require.NoError(t, err)
	err = repo.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "other"}})
	require.Equal(t, kerr.ClassTerminal, kerr.ClassOf(err))
	_, err = repo.Get(t.Context(), types.NamespacedName{Name: "other"})
	require.NoError(t, err)
}

// TestG4UpdateWithoutAResourceVersionIsRefused: it would write to whatever has the name.
func TestG4UpdateWithoutAResourceVersionIsRefused(t *testing.T) {
	_, repo, old := configMapsOn(t)
	require.NoError(t, repo.Delete(t.Context(), old))
	theirs, err := repo.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n"}})
	require.NoError(t, err)
	old.ResourceVersion = ""
	changed := old.DeepCopy()
	changed.Data = map[string]string{"k": "mine"}
	_, err = repo.Update(t.Context(), old, changed)
	require.Equal(t, kerr.ClassTerminal, kerr.ClassOf(err))
	now, err := repo.Get(t.Context(), repository.Key(theirs))
	require.NoError(t, err)
	require.Equal(t, theirs, now)
}

// TestEnsureOfAnObjectThatWasReadAndIsGone creates it: what it is made of is no state of a server.
func TestEnsureOfAnObjectThatWasReadAndIsGone(t *testing.T) {
	_, repo, old := configMapsOn(t)
	require.NoError(t, repo.Delete(t.Context(), old))
	got, err := repo.Ensure(t.Context(), old, func(cm *corev1.ConfigMap) error { cm.Data = map[string]string{"k": "w"}; return nil })
	require.NoError(t, err)
	require.Equal(t, map[string]string{"k": "w"}, got.Data)
	require.NotEqual(t, old.UID, got.UID)
	_, err = repo.Create(t.Context(), old)
	require.Equal(t, kerr.ClassTerminal, kerr.ClassOf(err), "which Create is asked to keep")
}

// TestNamesThatAreNoNamesAreNotSent: a slash from a user's spec is another path.
func TestNamesThatAreNoNamesAreNotSent(t *testing.T) {
	_, repo, _ := configMapsOn(t)
	for _, name := range []string{"a/b", "..", ".", "a%2Fb"} {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
		changed := cm.DeepCopy()
		changed.Data = map[string]string{"k": "v"}
		_, getErr := repo.Get(t.Context(), repository.Key(cm))
		_, createErr := repo.Create(t.Context(), cm)
		_, updateErr := repo.Update(t.Context(), cm, changed)
		_, applyErr := repo.Apply(t.Context(), cm, "me")
		for _, err := range []error{getErr, createErr, updateErr, applyErr, repo.Delete(t.Context(), cm)} {
			require.ErrorIs(t, err, kerr.ErrInvalid, name)
			require.True(t, kerr.WaitsForChange(err))
		}
	}
}

// TestS5AConfinedRepositoryListsNowhereElse, whoever asks.
func TestS5AConfinedRepositoryListsNowhereElse(t *testing.T) {
	_, repo, _ := configMapsOn(t, repository.InNamespaces("ns", "third"))
	_, err := repository.ListFrom[*corev1.ConfigMap](t.Context(), repo.Kind(), repo.ListerWatcherIn("other"), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err))
	_, err = repository.ListFrom[*corev1.ConfigMap](t.Context(), repo.Kind(), repo.ListerWatcher(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "all namespaces")
	all, err := repository.ListFrom[*corev1.ConfigMap](t.Context(), repo.Kind(), repo.ListerWatcherIn("ns"), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, all, 1)
}

// TestOptionsThatAreNilAreNone, as an Observer that is nil is.
func TestOptionsThatAreNilAreNone(t *testing.T) {
	_, repo, cm := configMapsOn(t, nil)
	require.NoError(t, repo.With(nil).Delete(t.Context(), cm, nil))
}

// TestS5DeleteAllOfIsNotExtendedByAValue: a label's value that comes from a spec is not checked by
// labels.SelectorFromSet, and the server would read it as two requirements.
func TestS5DeleteAllOfIsNotExtendedByAValue(t *testing.T) {
	_, repo, cm := configMapsOn(t)
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "theirs", Labels: map[string]string{"db": "victim"}}}
	_, err := repo.Create(t.Context(), theirs)
	require.NoError(t, err)
	found, err := repo.DeleteAllOf(t.Context(), "ns", labels.SelectorFromSet(labels.Set{"db": "victim,x!=y"}))
	require.ErrorIs(t, err, kerr.ErrInvalid)
	require.Zero(t, found)
	for _, obj := range []*corev1.ConfigMap{theirs, cm} {
		_, err = repo.Get(t.Context(), repository.Key(obj))
		require.NoError(t, err)
	}
}
