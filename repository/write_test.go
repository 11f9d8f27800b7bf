package repository_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

var parentKind = corev1.SchemeGroupVersion.WithKind("Service")

func parent(uid string) *corev1.Service {
	s := &corev1.Service{}
	s.Namespace, s.Name, s.UID = "ns", "parent", "p"
	if uid != "" {
		s.UID = "other"
	}
	return s
}

// server is a simulated API server, and a client whose requests fail as the rules say.
type server struct {
	*sim.Server
	client kubernetes.Interface
	began  uint64 // the resourceVersion with which the test begins
}

func serve(t *testing.T, rules ...*fault.Rule) *server {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"ns"}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	client, err := kubernetes.NewForConfig(fault.For(t, rules...).Config(srv.Config()))
	require.NoError(t, err)
	return &server{srv, client, srv.RV()}
}

// writes counts what took effect.
func (s *server) writes() int { return int(s.RV() - s.began) }

func setup(t *testing.T, rules ...*fault.Rule) (*server, *repository.Live[*corev1.ConfigMap]) {
	t.Helper()
	s := serve(t, rules...)
	return s, repository.FromClient(s.client, corev1.SchemeGroupVersion.WithKind("ConfigMap"), s.client.CoreV1().ConfigMaps)
}

func owned(t *testing.T, by *corev1.Service) *corev1.ConfigMap {
	t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "child"}}
	if by != nil {
		require.NoError(t, repository.SetController(by, parentKind, cm))
	}
	return cm
}

// Kills: an AlreadyExists that is an error although the object is ours, or is not although it is not.
func TestG15CreateAdoptsOnlyItsOwn(t *testing.T) {
	_, repo := setup(t)
	first, err := repo.Create(t.Context(), owned(t, parent("")))
	require.NoError(t, err)
	again, err := repo.Create(t.Context(), owned(t, parent("")))
	require.NoError(t, err, "an earlier attempt created it")
	require.Equal(t, first.UID, again.UID)
	for name, cm := range map[string]*corev1.ConfigMap{"another parent": owned(t, parent("other")), "no parent": owned(t, nil)} {
		_, err = repo.Create(t.Context(), cm)
		require.True(t, apierrors.IsAlreadyExists(err), name)
		require.Equal(t, kerr.ClassAlreadyExists, kerr.ClassOf(err), name)
	}
}

// Kills: a create whose lost answer is taken for a failure.
func TestG15CreateReadsBackALostAnswer(t *testing.T) {
	s, repo := setup(t, fault.On("create", "configmaps").Nth(1).Then(fault.CommitThenEOF()))
	_, err := repo.Create(t.Context(), owned(t, parent("")))
	require.NoError(t, err)
	require.Equal(t, 1, s.writes())
}

func TestG4UpdateOfAStaleObjectIsAConflict(t *testing.T) {
	s, repo := setup(t)
	created, err := repo.Create(t.Context(), owned(t, nil))
	require.NoError(t, err)
	change := func(from *corev1.ConfigMap, value string) (*corev1.ConfigMap, error) {
		to := from.DeepCopy()
		to.Data = map[string]string{"k": value}
		return repo.Update(t.Context(), from, to)
	}
	_, err = change(created, "1")
	require.NoError(t, err)
	_, err = change(created, "2")
	require.Equal(t, kerr.ClassConflict, kerr.ClassOf(err))
	require.ErrorContains(t, err, "update ConfigMap ns/child")
	require.Equal(t, 2, s.writes())
}

func TestG4DeleteLeavesARecreatedObjectAlone(t *testing.T) {
	s, repo := setup(t)
	old, err := repo.Create(t.Context(), owned(t, nil))
	require.NoError(t, err)
	require.NoError(t, repo.Delete(t.Context(), old))
	require.NoError(t, repo.Delete(t.Context(), old), "gone already")
	_, err = repo.Create(t.Context(), owned(t, nil))
	require.NoError(t, err)
	require.NoError(t, repo.Delete(t.Context(), old))
	_, err = repo.Get(t.Context(), repository.Key(old))
	require.NoError(t, err, "the new one is still there")
	require.Equal(t, 3, s.writes())
}

// Kills: a refusal that is taken for the end of the object, whose UID the caller does not know.
func TestG4ADeletionByNameThatIsRefused(t *testing.T) {
	_, repo := setup(t, fault.On("delete", "configmaps").Nth(1).Then(fault.Conflict()))
	_, err := repo.Create(t.Context(), owned(t, nil))
	require.NoError(t, err)
	require.Equal(t, kerr.ClassConflict, kerr.ClassOf(repo.Delete(t.Context(), owned(t, nil))))
	require.NoError(t, repo.Delete(t.Context(), owned(t, nil)))
	_, err = repo.Get(t.Context(), repository.Key(owned(t, nil)))
	require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
}

// Kills: the deletion of what somebody has taken over since.
func TestG4DeleteIfUnchanged(t *testing.T) {
	s, repo := setup(t)
	old, err := repo.Create(t.Context(), owned(t, nil))
	require.NoError(t, err)
	changed := old.DeepCopy()
	changed.Data = map[string]string{"taken": "over"}
	changed, err = repo.Update(t.Context(), old, changed)
	require.NoError(t, err)
	require.Equal(t, kerr.ClassConflict, kerr.ClassOf(repo.Delete(t.Context(), old, repository.IfUnchanged())))
	require.NoError(t, repo.Delete(t.Context(), changed, repository.IfUnchanged()))
	require.NoError(t, repo.Delete(t.Context(), changed, repository.IfUnchanged()), "gone already")
	require.Equal(t, 3, s.writes())
}

// Kills: an owner reference that the garbage collector punishes.
func TestS5SetController(t *testing.T) {
	cm := owned(t, parent(""))
	require.NoError(t, repository.SetController(parent(""), parentKind, cm), "twice")
	require.Len(t, cm.OwnerReferences, 1)
	require.True(t, *cm.OwnerReferences[0].Controller)
	require.ErrorContains(t, repository.SetController(parent("other"), parentKind, cm), "controlled by Service parent")

	elsewhere := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "child"}}
	require.ErrorContains(t, repository.SetController(parent(""), parentKind, elsewhere), "cluster-scoped or in the namespace")
	require.ErrorContains(t, repository.SetController(parent(""), parentKind, &corev1.Namespace{}), "cluster-scoped or in the namespace")
	require.ErrorContains(t, repository.SetController(&corev1.Service{}, parentKind, elsewhere), "no UID")
	cluster := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n", UID: "u"}}
	require.NoError(t, repository.SetController(cluster, corev1.SchemeGroupVersion.WithKind("Namespace"), elsewhere))
}

func TestFromClusterClient(t *testing.T) {
	s := serve(t)
	repo := repository.FromClusterClient(s.client, corev1.SchemeGroupVersion.WithKind("Namespace"), s.client.CoreV1().Namespaces())
	require.Equal(t, "namespaces", repo.Resource().Resource)
	got, err := repo.Get(t.Context(), repository.Key(&metav1.ObjectMeta{Name: "ns"}))
	require.NoError(t, err)
	require.NotEmpty(t, got.UID)
}

// TestFromClientKnowsTheScope has generated clients say themselves whether their
// kind needs a namespace.
func TestFromClientKnowsTheScope(t *testing.T) {
	offline, err := kubernetes.NewForConfig(&rest.Config{Host: "http://127.0.0.1:1"})
	require.NoError(t, err)
	kind := corev1.SchemeGroupVersion.WithKind
	for name, cs := range map[string]kubernetes.Interface{"fake": fake.NewClientset(), "real": offline} {
		key := repository.Key(&metav1.ObjectMeta{Name: "n"})
		_, err := repository.FromClient(cs, kind("ConfigMap"), cs.CoreV1().ConfigMaps).Get(t.Context(), key)
		require.ErrorIs(t, err, kerr.ErrUnnamed, name)
		_, err = repository.FromClient(cs, kind("Namespace"), func(string) typedcorev1.NamespaceInterface { return cs.CoreV1().Namespaces() }).Get(t.Context(), key)
		require.Error(t, err)
		require.NotErrorIs(t, err, kerr.ErrUnnamed, name)
	}
}
