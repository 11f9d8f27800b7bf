package finalizer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

const (
	ours   = "example.com/cleanup"
	theirs = "other.example.com/cleanup"
)

// harness is a server with at most one ConfigMap and what was called for it.
type harness struct {
	*sim.Server
	maps    typedcorev1.ConfigMapInterface // of the test itself: its requests do not fail
	faults  *fault.Injector
	repo    repository.Repository[*corev1.ConfigMap]
	began   uint64 // the resourceVersion with which the test begins
	applied []*corev1.ConfigMap
	cleaned []*corev1.ConfigMap
	failure error // what apply and cleanup return
}

func setup(t *testing.T, objs ...*corev1.ConfigMap) *harness {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"ns"}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	own, err := kubernetes.NewForConfig(srv.Config())
	require.NoError(t, err)
	b := &harness{Server: srv, maps: own.CoreV1().ConfigMaps("ns"), faults: fault.For(t)}
	client, err := kubernetes.NewForConfig(b.faults.Config(srv.Config()))
	require.NoError(t, err)
	b.repo = repository.FromClient(client, corev1.SchemeGroupVersion.WithKind("ConfigMap"), client.CoreV1().ConfigMaps)
	for _, obj := range objs {
		b.create(t, obj)
	}
	b.began = srv.RV()
	return b
}

// writes counts what took effect.
func (b *harness) writes() int { return int(b.RV() - b.began) }

// fail has requests of the reconcile fail from now on.
func (b *harness) fail(t *testing.T, rules ...*fault.Rule) {
	t.Helper()
	require.NoError(t, b.faults.Add(rules...))
}

func (b *harness) create(t *testing.T, obj *corev1.ConfigMap) {
	t.Helper()
	_, err := b.maps.Create(t.Context(), obj, metav1.CreateOptions{})
	require.NoError(t, err)
}

func (b *harness) reconcile(t *testing.T, obj *corev1.ConfigMap) (string, error) {
	t.Helper()
	return finalizer.Reconcile(t.Context(), b.repo, ours, obj,
		func(_ context.Context, obj *corev1.ConfigMap) (string, error) {
			b.applied = append(b.applied, obj)
			return "applied", b.failure
		},
		func(_ context.Context, obj *corev1.ConfigMap) (string, error) {
			b.cleaned = append(b.cleaned, obj)
			return "cleaned", b.failure
		})
}

func (b *harness) live(t *testing.T) *corev1.ConfigMap {
	t.Helper()
	obj, err := b.maps.Get(t.Context(), "name", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(t, err)
	return obj
}

// edit changes the object behind our back, by any means but a reconcile.
func (b *harness) edit(t *testing.T, change func(*corev1.ConfigMap)) {
	t.Helper()
	obj := b.live(t)
	change(obj)
	obj.ResourceVersion = ""
	_, err := b.maps.Update(t.Context(), obj, metav1.UpdateOptions{})
	require.NoError(t, err)
}

func (b *harness) delete(t *testing.T) {
	t.Helper()
	require.NoError(t, b.maps.Delete(t.Context(), "name", metav1.DeleteOptions{}))
}

func configMap(finalizers ...string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "name", Finalizers: finalizers}}
}

func TestG3FinalizerIsAddedBeforeApplyInOnePass(t *testing.T) {
	b := setup(t, configMap(theirs))
	result, err := b.reconcile(t, b.live(t))
	require.NoError(t, err)
	require.Equal(t, "applied", result)
	require.Len(t, b.applied, 1)
	require.Equal(t, []string{theirs, ours}, b.applied[0].Finalizers, "apply gets the state that the server returned")
	require.Equal(t, b.live(t), b.applied[0])

	_, err = b.reconcile(t, b.live(t))
	require.NoError(t, err)
	require.Len(t, b.applied, 2)
	require.Equal(t, 1, b.writes(), "an object that is held needs no write")
}

func TestG3NothingIsAppliedWithoutTheFinalizer(t *testing.T) {
	b := setup(t, configMap())
	b.fail(t, fault.On("write", "*").Then(fault.Forbidden()))
	_, err := b.reconcile(t, b.live(t))
	require.True(t, apierrors.IsForbidden(err))
	step, ok := errors.AsType[*kerr.Error](err)
	require.True(t, ok)
	require.Equal(t, kerr.OpAddFinalizer, step.Op)
	require.Equal(t, types.NamespacedName{Namespace: "ns", Name: "name"}, step.Key)
	require.Equal(t, b.live(t).UID, step.UID)
	require.Empty(t, b.applied)
}

func TestG3FinalizerStaysUntilCleanupSucceeds(t *testing.T) {
	b := setup(t, configMap(ours, theirs, ours))
	b.delete(t)
	b.failure = errors.New("the bucket is not empty")
	result, err := b.reconcile(t, b.live(t))
	require.ErrorIs(t, err, b.failure)
	require.ErrorContains(t, err, "cleanup ConfigMap ns/name: the bucket is not empty")
	require.Equal(t, "cleaned", result, "the result comes with the error")
	require.Contains(t, b.live(t).Finalizers, ours)

	b.failure = nil
	_, err = b.reconcile(t, b.live(t))
	require.NoError(t, err)
	require.Len(t, b.cleaned, 2)
	require.Equal(t, []string{theirs}, b.live(t).Finalizers, "all copies of ours are gone, nothing else")
	require.Empty(t, b.applied)

	_, err = b.reconcile(t, b.live(t))
	require.NoError(t, err)
	require.Len(t, b.cleaned, 2, "not held and deleting: nothing to do")
}

func TestG4WritesNeverTouchARecreatedObject(t *testing.T) {
	for name, finalizers := range map[string][]string{"add": nil, "remove": {ours}} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, configMap(finalizers...))
			if name == "remove" {
				b.delete(t)
			}
			seen := b.live(t)
			b.replace(t, finalizers...)
			_, err := b.reconcile(t, seen)
			require.NoError(t, err, "the object is gone: nothing to do")
			require.Empty(t, b.applied)
			require.Empty(t, b.cleaned)
			require.Equal(t, finalizers, b.live(t).Finalizers)
		})
	}
}

// replace puts another object in the place of the one that there is.
func (b *harness) replace(t *testing.T, finalizers ...string) {
	t.Helper()
	b.edit(t, func(cm *corev1.ConfigMap) { cm.Finalizers = nil })
	if b.live(t) != nil { // it was not being deleted
		b.delete(t)
	}
	b.create(t, configMap(finalizers...))
}

func TestG4AddIsDecidedAgainOnTheLiveObject(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, b *harness)
		applied   int
		want      []string
	}{
		"another finalizer came": {func(t *testing.T, b *harness) {
			b.edit(t, func(cm *corev1.ConfigMap) { cm.Finalizers = []string{theirs} })
		}, 1, []string{theirs, ours}},
		"ours came already": {func(t *testing.T, b *harness) {
			b.edit(t, func(cm *corev1.ConfigMap) { cm.Finalizers = []string{ours, theirs} })
		}, 1, []string{ours, theirs}},
		"it is being deleted": {func(t *testing.T, b *harness) {
			b.edit(t, func(cm *corev1.ConfigMap) { cm.Finalizers = []string{theirs} })
			b.delete(t)
		}, 0, []string{theirs}},
		"something else changed": {func(t *testing.T, b *harness) {
			b.edit(t, func(cm *corev1.ConfigMap) { cm.Data = map[string]string{"k": "v"} })
		}, 1, []string{ours}},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, configMap())
			seen := b.live(t)
			c.meanwhile(t, b)
			_, err := b.reconcile(t, seen)
			require.NoError(t, err)
			require.Len(t, b.applied, c.applied)
			require.Equal(t, c.want, b.live(t).Finalizers)
		})
	}
}

func TestG4ConflictsForeverAreAConflict(t *testing.T) {
	b := setup(t, configMap())
	seen := b.live(t)
	b.fail(t, fault.On("patch", "configmaps").Then(fault.Conflict()))
	_, err := b.reconcile(t, seen)
	require.Equal(t, kerr.ClassConflict, kerr.ClassOf(err))
	require.Empty(t, b.applied)
}

func TestG4ARefusalIsNotTakenForAConflict(t *testing.T) {
	b := setup(t, configMap())
	invalid := apierrors.NewInvalid(schema.GroupKind{Kind: "ConfigMap"}, "name", nil)
	b.fail(t, fault.On("write", "*").Then(fault.Answer(invalid.Status())))
	_, err := b.reconcile(t, b.live(t))
	require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(err))
	require.Len(t, b.faults.Log(), 1, "it is not tried again")
}

// TestG3LostAnswers crashes nothing, but loses what the server answered.
func TestG3LostAnswers(t *testing.T) {
	b := setup(t, configMap())
	b.fail(t, fault.On("write", "*").Then(fault.CommitThenEOF()))
	_, err := b.reconcile(t, b.live(t))
	require.NoError(t, err, "the live object shows that the finalizer was added")
	require.Len(t, b.applied, 1)
	require.Contains(t, b.applied[0].Finalizers, ours)

	b.delete(t)
	_, err = b.reconcile(t, b.live(t))
	require.NoError(t, err, "the object is gone, which is what removing the finalizer is for")
	require.Len(t, b.cleaned, 1)
	require.Nil(t, b.live(t))
}

func TestG3AmbiguousWithoutEffectIsAnError(t *testing.T) {
	b := setup(t, configMap())
	b.fail(t, fault.On("write", "*").Then(fault.CommitThenEOF(), fault.Conflict())) // a refusal, of which nobody hears
	_, err := b.reconcile(t, b.live(t))
	require.Equal(t, kerr.ClassAmbiguous, kerr.ClassOf(err))
	require.Empty(t, b.applied)
}

func TestG7CleanupNeedsALiveObjectThatIsBeingDeleted(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, b *harness)
		conflict  bool
	}{
		"gone":     {meanwhile: func(t *testing.T, b *harness) { b.edit(t, func(cm *corev1.ConfigMap) { cm.Finalizers = nil }) }},
		"replaced": {meanwhile: func(t *testing.T, b *harness) { b.replace(t, ours) }},
		"not held": {meanwhile: func(t *testing.T, b *harness) {
			b.edit(t, func(cm *corev1.ConfigMap) { cm.Finalizers = []string{theirs} })
		}},
		"not deleting": {meanwhile: func(t *testing.T, b *harness) { require.NoError(t, b.Rewind(b.began)) }, conflict: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, configMap(ours, theirs))
			b.delete(t)
			seen := b.live(t)
			c.meanwhile(t, b)
			writes := b.writes()
			_, err := b.reconcile(t, seen)
			if c.conflict {
				require.Equal(t, kerr.ClassConflict, kerr.ClassOf(err))
			} else {
				require.NoError(t, err)
			}
			require.Empty(t, b.cleaned)
			require.Equal(t, writes, b.writes())
		})
	}
}

func TestG7ReadErrorIsNotGone(t *testing.T) {
	b := setup(t, configMap(ours))
	b.delete(t)
	seen := b.live(t)
	b.repo = unreadable{b.repo}
	_, err := b.reconcile(t, seen)
	require.True(t, apierrors.IsServiceUnavailable(err))
	require.Empty(t, b.cleaned)
}

type unreadable struct {
	repository.Repository[*corev1.ConfigMap]
}

func (unreadable) Get(context.Context, types.NamespacedName) (*corev1.ConfigMap, error) {
	return nil, apierrors.NewServiceUnavailable("etcd is down")
}

func TestRelease(t *testing.T) {
	b := setup(t, configMap(ours, theirs))
	cleaned := 0
	release := func(failure error) error {
		_, err := finalizer.Release(t.Context(), b.repo, ours, b.live(t), nil, func(context.Context, *corev1.ConfigMap) (int, error) {
			cleaned++
			return 0, failure
		})
		return err
	}
	require.Error(t, release(errors.New("no")))
	require.Equal(t, []string{ours, theirs}, b.live(t).Finalizers)
	require.NoError(t, release(nil))
	require.Equal(t, []string{theirs}, b.live(t).Finalizers)
	require.NoError(t, release(errors.New("not called")))
	require.Equal(t, 2, cleaned)
}

func TestUnnamed(t *testing.T) {
	b := setup(t)
	for _, obj := range []*corev1.ConfigMap{nil, {}, {ObjectMeta: metav1.ObjectMeta{Name: "no-namespace"}}} {
		_, err := b.reconcile(t, obj)
		require.ErrorIs(t, err, kerr.ErrUnnamed)
	}
}

func TestS8FinalizerNames(t *testing.T) {
	for _, name := range []string{"example.com/cleanup", "a.b/c", "my.operator.example.com/Release_1.x"} {
		require.NoError(t, finalizer.Validate(name), name)
	}
	for name, says := range map[string]string{
		"":                                       "it is empty",
		finalizer.None:                           "needs a domain",
		"cleanup":                                `"example.com/cleanup"`,
		"example.com/":                           "name part",
		"/cleanup":                               "prefix part",
		"example.com/a/b":                        "must consist of",
		"example.com/" + fmt.Sprintf("%064d", 1): "63",
		"Example.com/x":                          "prefix part",
		"localhost/x":                            "not a domain",
		"kubernetes.io/x":                        "reserved",
		"foregroundDeletion":                     "needs a domain",
		"x.kubernetes.io/y":                      "reserved",
		"x.k8s.io/y":                             "reserved",
	} {
		require.ErrorContains(t, finalizer.Validate(name), says, name)
	}
	b := setup(t, configMap())
	_, err := finalizer.Reconcile(t.Context(), b.repo, "unqualified", b.live(t), nothing, nothing)
	require.ErrorIs(t, err, kerr.ErrTerminal)
	require.Zero(t, b.writes())
}
