package configmirror

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

// theMirror is a mirror of shop/settings.
func theMirror() *v1alpha1.ConfigMirror {
	return &v1alpha1.ConfigMirror{
		ObjectMeta: metav1.ObjectMeta{Name: "m", UID: "uid-m", Generation: 1},
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

// operate runs the operator in a bubble of its own until story returns.
//
// There is the mirror, its source, and a namespace that it selects.
func operate(t *testing.T, objects []runtime.Object, story func(t *testing.T, f *fakes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, theMirror(), append(objects,
			namespace("shop", nil), namespace("web", map[string]string{"team": "web"}), configMap("shop", "blue"))...)
		c, err := assemble(f.repos, &controller.Options{Logger: zap.NewNop(), OnAttempt: f.attempted})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		defer func() {
			cancel()
			require.NoError(t, <-done)
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		story(t, f)
	})
}

func TestMirrorIsWrittenTwiceAndThenNeverAgain(t *testing.T) {
	operate(t, nil, func(t *testing.T, f *fakes) {
		require.Equal(t, []string{"patch configmirrors", "create configmaps in web", "patch configmirrors/status"}, f.writes())
		require.Equal(t, v1alpha1.ReasonMirrored, f.mirror(t).Status.Conditions[0].Reason)
		require.EqualValues(t, 1, f.mirror(t).Status.Copies)

		time.Sleep(24 * time.Hour)
		require.Empty(t, f.writes())
	})
}

func TestNamespaceGoingIsNoFailure(t *testing.T) {
	terminating := apierrors.NewForbidden(corev1.Resource("configmaps"), "settings", errors.New("it is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for name, refusal := range map[string]error{
		"going": terminating, "gone": apierrors.NewNotFound(corev1.Resource("namespaces"), "web-3"),
	} {
		t.Run(name, func(t *testing.T) {
			operate(t, []runtime.Object{namespace("web-2", map[string]string{"team": "web"})}, func(t *testing.T, f *fakes) {
				f.PrependReactor("create", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
					_, _, _ = f.record(action)
					return true, nil, refusal
				})
				f.writes()
				_, err := f.CoreV1().Namespaces().Create(t.Context(), namespace("web-3", map[string]string{"team": "web"}), metav1.CreateOptions{})
				require.NoError(t, err)
				time.Sleep(time.Hour)
				require.Equal(t, []string{"create namespaces", "create configmaps in web-3"}, f.writes())
				require.Equal(t, v1alpha1.ReasonMirrored, f.mirror(t).Status.Conditions[0].Reason)
				require.EqualValues(t, 2, f.mirror(t).Status.Copies)
				_, failures := f.reconciled()
				require.Empty(t, failures)
			})
		})
	}
}

func TestFailureIsShownAndTriedAgain(t *testing.T) {
	operate(t, nil, func(t *testing.T, f *fakes) {
		var repaired atomic.Bool
		f.PrependReactor("create", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
			return !repaired.Load(), nil, errors.New("disk\nfull")
		})
		_, err := f.CoreV1().Namespaces().Create(t.Context(), namespace("web-2", map[string]string{"team": "web"}), metav1.CreateOptions{})
		require.NoError(t, err)
		synctest.Wait()
		m := f.mirror(t)
		require.Equal(t, v1alpha1.ReasonFailed, m.Status.Conditions[0].Reason)
		require.Contains(t, m.Status.LastError, `disk\nfull`)
		require.EqualValues(t, 1, m.Status.Copies)

		repaired.Store(true)
		time.Sleep(time.Hour)
		m = f.mirror(t)
		require.Equal(t, v1alpha1.ReasonMirrored, m.Status.Conditions[0].Reason)
		require.Empty(t, m.Status.LastError)
	})
}

func TestForeignObjectsAreLeftAlone(t *testing.T) {
	others := configMap("web", "theirs")
	others.Labels = map[string]string{LabelMirror: "uid-of-another-mirror"}
	operate(t, []runtime.Object{others}, func(t *testing.T, f *fakes) {
		require.Equal(t, []string{"patch configmirrors", "patch configmirrors/status"}, f.writes())
		require.Equal(t, []string{"ConfigMap web/settings"}, f.mirror(t).Status.Conflicts)
		f.delete(t)
		time.Sleep(time.Second)
		require.Equal(t, []string{"patch configmirrors"}, f.writes())
	})
}

// TestCleanupFindsWhatTheCacheDoesNotHave deletes a mirror whose copy no event has
// told of: what a process finds that takes over from one that crashed.
func TestCleanupFindsWhatTheCacheDoesNotHave(t *testing.T) {
	operate(t, nil, func(t *testing.T, f *fakes) {
		hidden := configMap("elsewhere", "blue")
		mark(hidden, f.mirror(t))
		f.PrependReactor("list", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, &corev1.ConfigMapList{Items: []corev1.ConfigMap{*hidden}}, nil
		})
		f.writes()
		f.delete(t)
		time.Sleep(time.Second)
		require.Equal(t, []string{"delete configmaps in elsewhere", "patch configmirrors"}, f.writes())
	})
}

func TestNoMirrorOwnsWithoutUID(t *testing.T) {
	unlabelled := configMap("web", "blue")
	require.False(t, created(unlabelled, types.UID("")))
	require.False(t, created(unlabelled, "uid-m"))
}
