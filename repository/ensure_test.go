package repository_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

func size(value string) func(*corev1.ConfigMap) error {
	return func(cm *corev1.ConfigMap) error {
		cm.Data = map[string]string{"size": value}
		return nil
	}
}

// Kills: an update of nothing, an object of the caller that is changed.
func TestEnsureCreatesUpdatesOrDoesNothing(t *testing.T) {
	s, repo := setup(t)
	obj := owned(t, nil)
	obj.Labels = map[string]string{"made": "so"}
	for n, want := range []struct {
		value  string
		writes int
	}{{"small", 1}, {"small", 1}, {"large", 2}, {"large", 2}} {
		got, err := repo.Ensure(t.Context(), obj, size(want.value))
		require.NoError(t, err)
		require.Equal(t, want.value, got.Data["size"])
		require.Equal(t, "so", got.Labels["made"])
		require.NotEmpty(t, got.UID)
		require.Equal(t, want.writes, s.writes(), n)
		require.Empty(t, obj.Data, "it is the caller's")
	}
	_, err := repo.Ensure(t.Context(), obj, nil)
	require.NoError(t, err)
	require.Equal(t, 2, s.writes())
}

func TestEnsureLeavesWhatOthersWroteAlone(t *testing.T) {
	_, repo := setup(t)
	_, err := repo.Ensure(t.Context(), owned(t, nil), size("small"))
	require.NoError(t, err)
	_, err = repo.Ensure(t.Context(), owned(t, nil), func(cm *corev1.ConfigMap) error {
		cm.Labels = map[string]string{"by": "another"}
		return nil
	})
	require.NoError(t, err)
	got, err := repo.Ensure(t.Context(), owned(t, nil), size("large"))
	require.NoError(t, err)
	require.Equal(t, "another", got.Labels["by"])
}

// Kills: an object of another name that is written, an error of the function that is not
// the caller's, or that is taken for an answer of the server.
func TestEnsureRefuses(t *testing.T) {
	s, repo := setup(t)
	for _, rename := range []func(*corev1.ConfigMap){
		func(cm *corev1.ConfigMap) { cm.Name = "other" }, func(cm *corev1.ConfigMap) { cm.Namespace = "other" },
	} {
		_, err := repo.Ensure(t.Context(), owned(t, nil), func(cm *corev1.ConfigMap) error { rename(cm); return nil })
		require.ErrorContains(t, err, "ensure ConfigMap ns/child: the function changed the name")
		require.Equal(t, kerr.ClassTerminal, kerr.ClassOf(err))
	}
	for _, theirs := range []error{errors.New("no"), apierrors.NewNotFound(configMaps.GroupResource(), "x"), apierrors.NewConflict(configMaps.GroupResource(), "x", nil)} {
		calls := 0
		_, err := repo.Ensure(t.Context(), owned(t, nil), func(*corev1.ConfigMap) error { calls++; return theirs })
		require.ErrorIs(t, err, theirs)
		require.Equal(t, 1, calls)
	}
	_, err := repo.Ensure(t.Context(), nil, size("small"))
	require.ErrorIs(t, err, kerr.ErrUnnamed)
	require.Zero(t, s.writes())
}

// TestEnsureDecidesOnceMore on the live object, if the one that it began with turned out to
// be old, and not a third time. Kills: no second round, or rounds without an end.
func TestEnsureDecidesOnceMore(t *testing.T) {
	another := func(s *server) error {
		_, err := s.client.CoreV1().ConfigMaps("ns").Create(t.Context(), owned(t, nil), metav1.CreateOptions{})
		return err
	}
	for name, c := range map[string]struct {
		there  bool
		faults []*fault.Rule
		class  kerr.Class
	}{
		"somebody changed it": {there: true, faults: []*fault.Rule{fault.On("patch", "configmaps").Nth(1).Then(fault.Conflict())}},
		"somebody changes it all the time": {
			there: true, faults: []*fault.Rule{fault.On("patch", "configmaps").Then(fault.Conflict())}, class: kerr.ClassConflict,
		},
		"somebody creates it": {},
	} {
		s, repo := setup(t, c.faults...)
		if c.there {
			require.NoError(t, another(s))
		}
		calls := 0
		got, err := repo.Ensure(t.Context(), owned(t, nil), func(cm *corev1.ConfigMap) error {
			if calls++; calls == 1 && !c.there {
				require.NoError(t, another(s))
			}
			return size("small")(cm)
		})
		require.Equal(t, 2, calls, name)
		require.Equal(t, c.class, kerr.ClassOf(err), name)
		if c.class == kerr.ClassTransient {
			require.NoError(t, err, name)
			require.Equal(t, "small", got.Data["size"], name)
		}
	}
}

// TestEnsureBringsBackWhatWentMeanwhile: the object is deleted between the read and the
// update. Kills: an update of what is gone that is an error.
func TestEnsureBringsBackWhatWentMeanwhile(t *testing.T) {
	_, repo := setup(t)
	first, err := repo.Ensure(t.Context(), owned(t, nil), size("small"))
	require.NoError(t, err)
	calls := 0
	second, err := repo.Ensure(t.Context(), owned(t, nil), func(cm *corev1.ConfigMap) error {
		if calls++; calls == 1 {
			require.NoError(t, repo.Delete(t.Context(), first))
		}
		return size("large")(cm)
	})
	require.NoError(t, err)
	require.NotEqual(t, first.UID, second.UID)
	require.Equal(t, "large", second.Data["size"])
}

// For people who know CreateOrUpdate of controller-runtime.
func ExampleLive_Ensure() {
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"}}
	cs := fake.NewClientset()
	configMaps := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	for _, size := range []string{"small", "small", "large"} {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-settings"}}
		cm, err := configMaps.Ensure(context.Background(), cm, func(cm *corev1.ConfigMap) error {
			cm.Data = map[string]string{"size": size}
			return repository.SetController(web, appsv1.SchemeGroupVersion.WithKind("Deployment"), cm)
		})
		if err != nil {
			panic(err)
		}
		writes := 0
		for _, action := range cs.Actions() {
			if action.GetVerb() != "get" {
				writes++
			}
		}
		fmt.Println(cm.Data["size"], "after writes:", writes)
	}
	// Output:
	// small after writes: 1
	// small after writes: 1
	// large after writes: 2
}
