package configmirror

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
)

// theMirror is a mirror of shop/settings.
func theMirror() *v1alpha1.ConfigMirror {
	return &v1alpha1.ConfigMirror{
		ObjectMeta: metav1.ObjectMeta{Name: "m"},
		Spec: v1alpha1.ConfigMirrorSpec{
			Source:            v1alpha1.Source{Namespace: "shop", Name: "settings"},
			NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"team": "web"}},
		},
	}
}

func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func configMap(namespace, colour string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"},
		Data:       map[string]string{"colour": colour},
	}
}

func TestMirrorIsWrittenTwiceAndThenNeverAgain(t *testing.T) {
	operate(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, []string{"patch configmirrors", "create configmaps in web", "patch configmirrors/status"}, w.writes())
		require.Equal(t, v1alpha1.ReasonMirrored, w.mirror(t).Status.Conditions[0].Reason)
		require.EqualValues(t, 1, w.mirror(t).Status.Copies)

		time.Sleep(aDay())
		require.Empty(t, w.writes())
	})
}

// TestNamespaceGoingIsNoFailure deletes a namespace just before it gets its copy. The
// operator hears of it a minute later, and must not try again by itself.
func TestNamespaceGoingIsNoFailure(t *testing.T) {
	for name, since := range map[string]time.Duration{"going": 0, "gone": time.Second} {
		t.Run(name, func(t *testing.T) {
			operate(t, []object{namespace("web-2", map[string]string{"team": "web"})}, func(t *testing.T, w *world) {
				web3 := namespace("web-3", map[string]string{"team": "web"})
				w.race(t, "create", "configmaps", func() error {
					w.process.Watches("namespaces").Hold()
					err := w.drop(t, web3)
					time.Sleep(since)
					return err
				})
				w.forget()
				w.put(t, web3)
				time.Sleep(time.Minute) // a watch that is silent for longer is noticed
				w.process.Watches("namespaces").Release()
				time.Sleep(time.Hour)
				require.Equal(t, []string{"create configmaps in web-3"}, w.writes())
				w.is(t, v1alpha1.ReasonMirrored, 2)
				_, failures := w.reconciled()
				require.Empty(t, failures)
			})
		})
	}
}

func TestFailureIsShownAndTriedAgain(t *testing.T) {
	operate(t, nil, func(t *testing.T, w *world) {
		broken := fault.On("create", "configmaps").Then(diskFull())
		w.suffer(t, broken)
		w.put(t, namespace("web-2", map[string]string{"team": "web"}))
		w.is(t, v1alpha1.ReasonFailed, 1)
		require.Contains(t, w.mirror(t).Status.LastError, `disk\nfull`)

		w.faults.Remove(broken)
		time.Sleep(time.Hour)
		w.is(t, v1alpha1.ReasonMirrored, 2)
		require.Empty(t, w.mirror(t).Status.LastError)
	})
}

func TestForeignObjectsAreLeftAlone(t *testing.T) {
	others := configMap("web", "theirs")
	others.Labels = map[string]string{LabelMirror: "uid-of-another-mirror"}
	operate(t, []object{others}, func(t *testing.T, w *world) {
		require.Equal(t, []string{"patch configmirrors", "patch configmirrors/status"}, w.writes())
		require.Equal(t, []string{"ConfigMap web/settings"}, w.mirror(t).Status.Conflicts)
		w.delete(t)
		time.Sleep(time.Second)
		require.Equal(t, []string{"patch configmirrors"}, w.writes())
	})
}

// TestSelectorThatIsWrong: a typo is told, once, and takes no copy away. Kills: an error
// that is tried again, a selector that selects nothing.
func TestSelectorThatIsWrong(t *testing.T) {
	operate(t, nil, func(t *testing.T, w *world) {
		w.forget()
		w.reconciled()
		typo := metav1.LabelSelectorRequirement{Key: "team", Operator: metav1.LabelSelectorOpIn} // in nothing
		w.edit(t, func(spec *v1alpha1.ConfigMirrorSpec) {
			spec.NamespaceSelector.MatchExpressions = []metav1.LabelSelectorRequirement{typo}
		})
		time.Sleep(aDay())
		require.Equal(t, []string{"patch configmirrors/status"}, w.writes(), "the copy stays")
		w.is(t, v1alpha1.ReasonInvalidSelector, 1)
		require.Contains(t, w.mirror(t).Status.LastError, "spec.namespaceSelector: ")
		attempts, failures := w.reconciled()
		require.Equal(t, 1, attempts)
		require.ErrorIs(t, failures[0], kerr.ErrInvalid)

		w.edit(t, func(spec *v1alpha1.ConfigMirrorSpec) { spec.NamespaceSelector.MatchExpressions = nil })
		w.is(t, v1alpha1.ReasonMirrored, 1)
		require.Empty(t, w.mirror(t).Status.LastError)
	})
}

// TestCleanupThatFails: the mirror stays, and says why, until its copies are gone.
func TestCleanupThatFails(t *testing.T) {
	operate(t, nil, func(t *testing.T, w *world) {
		broken := fault.On("delete", "configmaps").Then(fault.Forbidden())
		w.suffer(t, broken)
		w.delete(t)
		time.Sleep(time.Hour)
		w.is(t, v1alpha1.ReasonDeleting, 1)
		require.Contains(t, w.mirror(t).Status.LastError, "forbidden")
		require.NotNil(t, w.get(t, configMap("web", "")))

		w.faults.Remove(broken)
		time.Sleep(10 * time.Minute)
		require.Nil(t, w.get(t, configMap("web", "")))
		_, err := w.mirrors.Get(t.Context(), types.NamespacedName{Name: "m"})
		require.True(t, apierrors.IsNotFound(err), "%v", err)
	})
}

// TestCleanupFindsWhatTheCacheDoesNotHave deletes a mirror whose copy no event has
// told of: what a process finds that takes over from one that crashed.
func TestCleanupFindsWhatTheCacheDoesNotHave(t *testing.T) {
	operate(t, nil, func(t *testing.T, w *world) {
		hidden := configMap("elsewhere", "blue")
		mark(hidden, w.mirror(t))
		w.process.Watches("configmaps").Hold()
		w.put(t, hidden)
		w.forget()
		w.delete(t)
		time.Sleep(time.Second)
		require.Equal(t, []string{"delete configmaps in elsewhere", "delete configmaps in web", "patch configmirrors"}, w.writes())
		require.Nil(t, w.get(t, hidden))
	})
}

func TestNoMirrorOwnsWithoutUID(t *testing.T) {
	unlabelled := configMap("web", "blue")
	require.False(t, created(unlabelled, types.UID("")))
	require.False(t, created(unlabelled, "uid-m"))
}
