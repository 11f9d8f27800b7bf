package sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/sim"
)

func start(t *testing.T, opts sim.Options) (*sim.Server, kubernetes.Interface) {
	t.Helper()
	srv, err := sim.New(opts)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	client, err := kubernetes.NewForConfig(srv.Config())
	require.NoError(t, err)
	return srv, client
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func TestLifeOfAnObject(t *testing.T) {
	_, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
	maps := client.CoreV1().ConfigMaps("default")
	first, err := maps.Create(t.Context(), configMap("a"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, first.UID)
	require.NotEmpty(t, first.ResourceVersion)

	_, err = maps.Create(t.Context(), configMap("a"), metav1.CreateOptions{})
	require.True(t, apierrors.IsAlreadyExists(err), err)

	second := first.DeepCopy()
	second.Data, second.Finalizers = map[string]string{"k": "v"}, []string{"example.com/hold"}
	second, err = maps.Update(t.Context(), second, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.NotEqual(t, first.ResourceVersion, second.ResourceVersion)

	first.Data = map[string]string{"k": "other"}
	_, err = maps.Update(t.Context(), first, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), err)

	require.NoError(t, maps.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	held, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	require.NotNil(t, held.DeletionTimestamp)

	_, err = maps.Patch(t.Context(), "a", types.JSONPatchType, []byte(`[{"op":"remove","path":"/metadata/finalizers/0"}]`), metav1.PatchOptions{})
	require.NoError(t, err)
	_, err = maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), err)
}

func TestInformerInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps", "deployments.apps")})
		informer := typedInformer(client)
		go informer.RunWithContext(t.Context())
		synctest.Wait()
		require.True(t, informer.HasSynced())
		_, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("a"), metav1.CreateOptions{})
		require.NoError(t, err)
		synctest.Wait()
		require.Contains(t, informer.GetStore().ListKeys(), "default/a")

		srv.Watches("configmaps").Hold()
		require.NoError(t, client.CoreV1().ConfigMaps("default").Delete(t.Context(), "a", metav1.DeleteOptions{}))
		time.Sleep(time.Hour)
		require.Contains(t, informer.GetStore().ListKeys(), "default/a")
		srv.Watches("configmaps").Release()
		synctest.Wait()
		require.NotContains(t, informer.GetStore().ListKeys(), "default/a")
	})
}

func TestApplyAndStatus(t *testing.T) {
	_, client := start(t, sim.Options{Kinds: sim.Core("deployments.apps")})
	apply := []byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},
		"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`)
	deployments := client.AppsV1().Deployments("default")
	d, err := deployments.Patch(t.Context(), "d", types.ApplyPatchType, apply, metav1.PatchOptions{FieldManager: "one"})
	require.NoError(t, err)
	require.EqualValues(t, 1, d.Generation)
	_, err = deployments.Patch(t.Context(), "d", types.ApplyPatchType, []byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":3}}`), metav1.PatchOptions{FieldManager: "two"})
	require.True(t, apierrors.IsConflict(err), err)
	d.Status.Replicas, d.Spec.Replicas = 5, new(int32(9))
	d, err = deployments.UpdateStatus(t.Context(), d, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 1, d.Generation)
	require.EqualValues(t, 2, *d.Spec.Replicas)
	require.EqualValues(t, 5, d.Status.Replicas)
	d, err = deployments.Patch(t.Context(), "d", types.StrategicMergePatchType, []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"j"}]}}}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 2, d.Generation)
	require.Equal(t, "j", d.Spec.Template.Spec.Containers[0].Image)
	_ = appsv1.Deployment{}
}
