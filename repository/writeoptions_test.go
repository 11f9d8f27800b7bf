package repository_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	hardened "github.com/kuberator/kuberator/test/fake"
)

func TestOptionsAreSent(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	ctx, repo := t.Context(), over(t, a)
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n", UID: "u", ResourceVersion: "7"}}
	fresh, changed := cm.DeepCopy(), cm.DeepCopy()
	fresh.ResourceVersion = ""
	changed.Data = map[string]string{"new": "v"}
	named := repo.With(repository.FieldManager("op"))
	for _, write := range []func() error{
		func() error { return repo.Delete(ctx, cm) },
		func() error { return repo.Delete(ctx, cm, repository.Foreground()) },
		func() error { return repo.Delete(ctx, cm, repository.Orphan(), repository.IfUnchanged()) },
		func() error { return repo.Delete(ctx, cm, repository.DryRun()) },
		func() error {
			_, err := repo.Create(ctx, fresh, repository.FieldManager("one"), repository.DryRun())
			return err
		},
		func() error { _, err := repo.Update(ctx, cm, changed, repository.FieldManager("one")); return err },
		func() error { _, err := repo.Apply(ctx, cm, "me", repository.Force(), repository.DryRun()); return err },
		func() error { _, err := named.Patch(ctx, cm, types.MergePatchType, []byte("{}")); return err },
		func() error {
			_, err := named.With(repository.DryRun()).Patch(ctx, cm, types.MergePatchType, []byte("{}"), "status")
			return err
		},
		func() error { _, err := named.Create(ctx, fresh, repository.FieldManager("this once")); return err },
		func() error { _, err := repo.Patch(ctx, cm, types.MergePatchType, []byte("{}")); return err },
	} {
		require.NoError(t, write())
	}
	const (
		path   = "/api/v1/namespaces/ns/configmaps"
		object = `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"n","namespace":"ns","uid":"u"}}`
		remove = "DELETE " + path + `/n {"kind":"DeleteOptions","apiVersion":"v1","preconditions":`
	)
	require.Equal(t, []string{
		remove + `{"uid":"u"},"propagationPolicy":"Background"}`,
		remove + `{"uid":"u"},"propagationPolicy":"Foreground"}`,
		remove + `{"uid":"u","resourceVersion":"7"},"propagationPolicy":"Orphan"}`,
		remove + `{"uid":"u"},"propagationPolicy":"Background","dryRun":["All"]}`,
		"POST " + path + "?dryRun=All&fieldManager=one " + object,
		"PATCH " + path + `/n?fieldManager=one {"data":{"new":"v"},"metadata":{"resourceVersion":"7"}}`,
		"PATCH " + path + `/n?dryRun=All&fieldManager=me&force=true {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n","namespace":"ns","uid":"u"}}`,
		"PATCH " + path + "/n?fieldManager=op {}",
		"PATCH " + path + "/n/status?dryRun=All&fieldManager=op {}",
		"POST " + path + "?fieldManager=this+once " + object,
		"PATCH " + path + "/n {}",
	}, a.asked)
}

// dryRuns are all kinds of writes, as dry runs.
func dryRuns(t *testing.T, at *journal.Journal, repo *repository.Live[*corev1.ConfigMap], cm *corev1.ConfigMap) map[string]func() error {
	t.Helper()
	ctx, dry, changed := at.Context(), repo.With(repository.DryRun()), cm.DeepCopy()
	changed.Data = map[string]string{"new": "v"}
	return map[string]func() error{
		"create": func() error { _, err := repo.Create(ctx, owned(t, nil), repository.DryRun()); return err },
		"update": func() error { _, err := repo.Update(ctx, cm, changed, repository.DryRun()); return err },
		"apply":  func() error { _, err := repo.Apply(ctx, changed, "me", repository.DryRun()); return err },
		"delete": func() error { return repo.Delete(ctx, cm, repository.DryRun()) },
		"patch": func() error {
			_, err := dry.Patch(ctx, cm, types.MergePatchType, []byte(`{"data":{"new":"v"}}`))
			return err
		},
		"ensure": func() error {
			_, err := dry.Ensure(ctx, cm, func(cm *corev1.ConfigMap) error { cm.Data = changed.Data; return nil })
			return err
		},
	}
}

// Kills: a dry run that the attempt takes for a write, one that is sent by who may not write,
// or elsewhere.
func TestADryRunIsNoWrite(t *testing.T) {
	s, repo := setup(t)
	there := owned(t, nil)
	there.Name = "there"
	cm, err := repo.Create(t.Context(), there)
	require.NoError(t, err)
	written := s.writes()
	lease := fence.New("ns/me", time.Minute)
	lease.Renew(time.Now())
	at := journal.New(fence.With(t.Context(), lease), journal.Config{Kind: parentKind})
	defer at.End()
	for name, dryRun := range dryRuns(t, at, repo, cm) {
		require.NoError(t, dryRun(), name)
	}
	require.Zero(t, at.Count())
	require.Empty(t, at.Own())
	w, known := at.Last(journal.Ref{Kind: repo.Kind().GroupKind(), Key: repository.Key(cm)})
	require.False(t, known && (w.Outcome != journal.Stored || w.ResourceVersion != cm.ResourceVersion), "%+v is what a live read found", w)
	require.Equal(t, written, s.writes())

	confined := repository.FromClient(s.client, repo.Kind(), s.client.CoreV1().ConfigMaps, repository.InNamespaces("elsewhere"))
	for name, dryRun := range dryRuns(t, at, confined, cm) {
		require.True(t, apierrors.IsForbidden(dryRun()), name)
	}
	lease.Close(errors.New("another process has it"))
	for name, dryRun := range dryRuns(t, at, repo, cm) {
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(dryRun()), name)
	}
}

// TestADryRunSaysWhatTheServerWouldSay returns what would be stored, and refuses what would be refused.
func TestADryRunSaysWhatTheServerWouldSay(t *testing.T) {
	_, repo := setup(t)
	got, err := repo.Create(t.Context(), owned(t, nil), repository.DryRun())
	require.NoError(t, err)
	require.NotEmpty(t, got.UID)
	bad := owned(t, nil)
	bad.Name = "Not A Name"
	_, err = repo.Create(t.Context(), bad, repository.DryRun())
	require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(err))
	_, err = repo.Get(t.Context(), repository.Key(owned(t, nil)))
	require.True(t, apierrors.IsNotFound(err))
}

// Kills: a lost answer to a dry run that is taken for a write whose outcome is unknown.
func TestADryRunHasNoUnknownOutcome(t *testing.T) {
	for name, a := range map[string]*answering{"lost": {err: io.ErrUnexpectedEOF}, "502": {code: 502, body: "bad gateway"}} {
		repo := over(t, a)
		at := journal.New(t.Context(), journal.Config{Kind: parentKind})
		_, err := repo.Create(at.Context(), owned(t, nil), repository.DryRun())
		require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err), name)
		require.Empty(t, at.All(), name)
		at.End()
	}
}

// TestDryRunsOfFakes: what the documentation of DryRun says of them.
func TestDryRunsOfFakes(t *testing.T) {
	for harden, stored := range map[bool]bool{false: true, true: false} {
		cs := fake.NewClientset()
		if harden {
			hardened.Harden(t, &cs.Fake, scheme.Scheme)
		}
		repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
		_, err := repo.Create(t.Context(), owned(t, nil), repository.DryRun())
		require.NoError(t, err)
		_, err = repo.Get(t.Context(), repository.Key(owned(t, nil)))
		require.Equal(t, stored, err == nil)
	}
}
