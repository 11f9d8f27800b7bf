package repository_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// Kills: a force that is not sent, or is without being asked for.
func TestForceTakesFieldsOver(t *testing.T) {
	_, repo := setup(t)
	cm := owned(t, nil)
	cm.Data = map[string]string{"k": "one"}
	_, err := repo.Apply(t.Context(), cm, "one")
	require.NoError(t, err)
	cm.Data["k"] = "two"
	_, err = repo.Apply(t.Context(), cm, "two")
	require.Equal(t, kerr.ClassFieldManagerConflict, kerr.ClassOf(err))
	got, err := repo.Apply(t.Context(), cm, "two", repository.Force())
	require.NoError(t, err)
	require.Equal(t, "two", got.Data["k"])
}

func deployments(t *testing.T) *repository.Live[*appsv1.Deployment] {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("deployments.apps"), Namespaces: []string{"ns"}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	cs, err := kubernetes.NewForConfig(srv.Config())
	require.NoError(t, err)
	return repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
}

func webConfig() *appsv1ac.DeploymentApplyConfiguration {
	selected := map[string]string{"app": "web"}
	return appsv1ac.Deployment("web", "ns").WithSpec(appsv1ac.DeploymentSpec().WithReplicas(2).
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(selected)).
		WithTemplate(corev1ac.PodTemplateSpec().WithLabels(selected).
			WithSpec(corev1ac.PodSpec().WithContainers(corev1ac.Container().WithName("c").WithImage("i")))))
}

// claimed returns the fields of the spec that a manager owns.
func claimed(t *testing.T, obj metav1.Object, manager string) sets.Set[string] {
	t.Helper()
	for _, m := range obj.GetManagedFields() {
		if m.Manager != manager {
			continue
		}
		var fields struct {
			Spec map[string]any `json:"f:spec"`
		}
		require.NoError(t, json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields))
		return sets.KeySet(fields.Spec)
	}
	return nil
}

// Kills: an apply configuration that is sent as a whole struct.
func TestAnApplyConfigurationClaimsWhatWasSet(t *testing.T) {
	repo := deployments(t)
	at := journal.New(t.Context(), journal.Config{Kind: parentKind})
	defer at.End()
	got, err := repo.ApplyConfiguration(at.Context(), webConfig(), "me")
	require.NoError(t, err)
	require.Equal(t, int32(2), *got.Spec.Replicas)
	require.Equal(t, sets.New("f:replicas", "f:selector", "f:template"), claimed(t, got, "me"))
	require.Equal(t, 1, at.Count())
	w, known := at.Last(journal.Ref{Kind: repo.Kind().GroupKind(), Key: repository.Key(got)})
	require.True(t, known)
	require.Equal(t, got.ResourceVersion, w.ResourceVersion)

	bare := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web"}, Spec: got.Spec}
	bare.Spec.Strategy = appsv1.DeploymentStrategy{}
	got, err = repo.Apply(t.Context(), bare, "struct")
	require.NoError(t, err)
	require.True(t, claimed(t, got, "struct").Has("f:strategy"), "the struct has it, empty")

	_, err = repo.ApplyConfiguration(t.Context(), webConfig().WithSpec(appsv1ac.DeploymentSpec().WithReplicas(3)), "other")
	require.Equal(t, kerr.ClassFieldManagerConflict, kerr.ClassOf(err))
	got, err = repo.ApplyConfiguration(t.Context(), webConfig().WithSpec(appsv1ac.DeploymentSpec().WithReplicas(3)), "other", repository.Force())
	require.NoError(t, err)
	require.Equal(t, int32(3), *got.Spec.Replicas)
}

// Kills: a configuration that goes to another kind's URL, or that names nothing and is sent.
func TestApplyConfigurationsThatAreRefused(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	repo := over(t, a, repository.InNamespaces("ns"))
	apply := func(config runtime.ApplyConfiguration) error {
		_, err := repo.ApplyConfiguration(t.Context(), config, "me")
		return err
	}
	for _, unnamed := range []runtime.ApplyConfiguration{
		nil, (*corev1ac.ConfigMapApplyConfiguration)(nil), corev1ac.ConfigMap("", "ns"), corev1ac.ConfigMap("n", ""), &corev1ac.ConfigMapApplyConfiguration{},
	} {
		require.ErrorIs(t, apply(unnamed), kerr.ErrUnnamed)
	}
	for text, other := range map[string]runtime.ApplyConfiguration{
		"one of /v1, Kind=Secret, and the repository one of /v1, Kind=ConfigMap": corev1ac.Secret("n", "ns"),
		"one of apps/v1, Kind=Deployment":                                        webConfig(),
		"one of /, Kind=":                                                        (&corev1ac.ConfigMapApplyConfiguration{}).WithName("n"),
	} {
		err := apply(other)
		require.ErrorContains(t, err, text)
		require.Equal(t, kerr.ClassTerminal, kerr.ClassOf(err))
	}
	err := apply(corev1ac.ConfigMap("n", "elsewhere"))
	require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(err))
	_, err = repo.ApplyConfiguration(t.Context(), corev1ac.ConfigMap("n", "ns"), "")
	require.ErrorContains(t, err, "field manager")
	require.ErrorContains(t, apply(unreadable{}), "the apply configuration: ")
	require.Empty(t, a.asked)
}

type unreadable struct{}

func (unreadable) IsApplyConfiguration() {}

func (unreadable) MarshalJSON() ([]byte, error) { return nil, http.ErrNotSupported }

// Kills: integers that become floating-point numbers on their way.
func TestIntegersAreAppliedAsTheyAre(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	cm := corev1ac.ConfigMap("n", "ns").WithGeneration(math.MaxInt64)
	_, err := over(t, a).ApplyConfiguration(t.Context(), cm, "me")
	require.NoError(t, err)
	require.Contains(t, a.asked[0], "9223372036854775807")
}

// Kills: integers that are rounded where they differ, and a difference that is taken for none.
func TestIntegersAreUpdatedAsTheyAre(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	before := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n", ResourceVersion: "7", Generation: math.MaxInt64 - 1}}
	after := before.DeepCopy()
	after.Generation++
	_, err := over(t, a).Update(t.Context(), before, after)
	require.NoError(t, err)
	require.Contains(t, a.asked[0], `{"metadata":{"generation":9223372036854775807,"resourceVersion":"7"}}`)
}

// Only the fields that are set are sent, and belong to "shop-operator" from then on.
func ExampleLive_ApplyConfiguration() {
	cs := fake.NewClientset()
	configMaps := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	want := corev1ac.ConfigMap("settings", "shop").WithData(map[string]string{"size": "small"})
	got, err := configMaps.ApplyConfiguration(context.Background(), want, "shop-operator", repository.Force())
	if err != nil {
		panic(err)
	}
	fmt.Println(got.Data["size"], "by", got.ManagedFields[0].Manager)

	_, err = configMaps.ApplyConfiguration(context.Background(), corev1ac.Secret("settings", "shop"), "shop-operator")
	fmt.Println(err)
	// Output:
	// small by shop-operator
	// server-side apply ConfigMap shop/settings: the apply configuration is one of /v1, Kind=Secret, and the repository one of /v1, Kind=ConfigMap
}
