package fake_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/fake"
)

var configMaps = corev1.SchemeGroupVersion.WithResource("configmaps")

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func harden(t *testing.T, objects ...runtime.Object) *kubernetesfake.Clientset {
	t.Helper()
	cs := kubernetesfake.NewClientset(objects...)
	fake.Harden(t, &cs.Fake, scheme.Scheme)
	return cs
}

// F1, F1b, F2, F4, F6: what a server says of an object, conflicts, finalizers, preconditions.
func TestHardenedLife(t *testing.T) {
	maps := harden(t).CoreV1().ConfigMaps("default")
	cm := configMap("a")
	cm.Finalizers = []string{"example.com/hold"}
	first, err := maps.Create(t.Context(), cm, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, first.UID)
	require.NotEmpty(t, first.ResourceVersion)
	require.False(t, first.CreationTimestamp.IsZero())
	require.Empty(t, first.Kind, "as a real client returns it")

	second := first.DeepCopy()
	second.Data = map[string]string{"k": "v"}
	_, err = maps.Update(t.Context(), second, metav1.UpdateOptions{})
	require.NoError(t, err)
	_, err = maps.Update(t.Context(), second, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), err)
	_, err = maps.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"uid":"nope"}}`), metav1.PatchOptions{})
	require.True(t, apierrors.IsInvalid(err), err)
	err = maps.Delete(t.Context(), "a", metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions("nope")})
	require.True(t, apierrors.IsConflict(err), err)

	require.NoError(t, maps.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	held, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	require.NotNil(t, held.DeletionTimestamp)
	_, err = maps.Patch(t.Context(), "a", types.JSONPatchType, []byte(`[{"op":"remove","path":"/metadata/finalizers"}]`), metav1.PatchOptions{})
	require.NoError(t, err)
	_, err = maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), err)
}

// F3, F4: the halves of an object with a status.
func TestHardenedStatus(t *testing.T) {
	deployments := harden(t).AppsV1().Deployments("default")
	d, err := deployments.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "d"},
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(1)), Selector: metav1.SetAsLabelSelector(map[string]string{"a": "b"}), Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
		}},
		Status: appsv1.DeploymentStatus{Replicas: 7},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Zero(t, d.Status.Replicas)
	require.EqualValues(t, 1, d.Generation)
	d.Spec.Replicas, d.Status.Replicas = new(int32(5)), 2
	d, err = deployments.UpdateStatus(t.Context(), d, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 1, *d.Spec.Replicas)
	require.EqualValues(t, 2, d.Status.Replicas)
	require.EqualValues(t, 1, d.Generation)
	d.Spec.Replicas, d.Status.Replicas = new(int32(5)), 9
	d, err = deployments.Update(t.Context(), d, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 2, d.Status.Replicas)
	require.EqualValues(t, 2, d.Generation)
	_, err = harden(t).CoreV1().ConfigMaps("default").Patch(t.Context(), "a", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{}, "status")
	require.True(t, apierrors.IsNotFound(err), err)
}

// F7, F9, F13, F15.
func TestHardenedVerbs(t *testing.T) {
	cs := harden(t)
	maps := cs.CoreV1().ConfigMaps("default")
	names := map[string]bool{}
	for range 3 {
		cm, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "g-", Labels: map[string]string{"l": "1"}}}, metav1.CreateOptions{})
		require.NoError(t, err)
		names[cm.Name] = true
	}
	require.Len(t, names, 3)
	applied := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"s"},"data":{"k":"1"}}`)
	_, err := maps.Patch(t.Context(), "s", types.ApplyPatchType, applied, metav1.PatchOptions{FieldManager: "m"})
	require.NoError(t, err)
	_, err = maps.Patch(t.Context(), "s", types.ApplyPatchType, []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"s"},"data":{"k":"2"}}`), metav1.PatchOptions{FieldManager: "n"})
	require.True(t, apierrors.IsConflict(err), err)
	_, err = maps.Patch(t.Context(), "s", types.JSONPatchType, []byte(`[{"op":"test","path":"/data/k","value":"9"}]`), metav1.PatchOptions{})
	require.True(t, apierrors.IsInvalid(err), err)

	require.NoError(t, maps.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "l=1"}))
	list, err := maps.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, "s", list.Items[0].Name)
	list, err = maps.List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=other"})
	require.NoError(t, err)
	require.Empty(t, list.Items)
}

// F5, F8, F16: watches lose nothing, begin where they are asked to, and see their selection.
func TestHardenedWatch(t *testing.T) {
	cs := harden(t, configMap("a"))
	maps := cs.CoreV1().ConfigMaps("default")
	list, err := maps.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1, "what the clientset was made with")
	require.NoError(t, maps.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	w, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	event := <-w.ResultChan()
	require.Equal(t, watch.Deleted, event.Type, "between the list and the watch")
	require.Equal(t, "a", event.Object.(*corev1.ConfigMap).Name)

	selected, err := maps.Watch(t.Context(), metav1.ListOptions{LabelSelector: "l=1"})
	require.NoError(t, err)
	cm := configMap("b")
	cm.Labels = map[string]string{"l": "1"}
	cm, err = maps.Create(t.Context(), cm, metav1.CreateOptions{})
	require.NoError(t, err)
	cm.Labels = nil
	_, err = maps.Update(t.Context(), cm, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, watch.Added, (<-selected.ResultChan()).Type)
	require.Equal(t, watch.Deleted, (<-selected.ResultChan()).Type)
	for i := range 300 { // nobody reads meanwhile
		cm.Data = map[string]string{"n": time.Duration(i).String()}
		cm.ResourceVersion = ""
		_, err = maps.Update(t.Context(), cm, metav1.UpdateOptions{})
		require.NoError(t, err)
	}
	seen := 0
	for range 302 {
		<-w.ResultChan()
		seen++
	}
	require.Equal(t, 302, seen)
	w.Stop()
	selected.Stop()
	for event := range w.ResultChan() { // client-go may tell that its own stream was closed
		require.Equal(t, watch.Error, event.Type)
	}
}

func TestReactorsComeFirst(t *testing.T) {
	cs := harden(t)
	broken := errors.New("broken")
	cs.PrependReactor("get", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, broken })
	_, err := cs.CoreV1().ConfigMaps("default").Get(t.Context(), "a", metav1.GetOptions{})
	require.ErrorIs(t, err, broken)
	_, err = cs.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("a"), metav1.CreateOptions{})
	require.NoError(t, err)
	actions := cs.Actions()
	require.Len(t, actions, 2)
	require.True(t, actions[1].Matches("create", "configmaps"))
}

func TestNotSimulatedIsSaid(t *testing.T) {
	cs := harden(t)
	_, err := cs.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "a", nil, metav1.CreateOptions{})
	require.ErrorContains(t, err, "create serviceaccounts/token is not simulated: prepend a reactor for it")
}

func TestInformerOnAHardenedFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := harden(t, configMap("a"))
		maps := cs.CoreV1().ConfigMaps(metav1.NamespaceAll)
		informer := cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
				return maps.List(ctx, opts)
			},
			WatchFuncWithContext: maps.Watch,
		}, cs), &corev1.ConfigMap{}, 0, nil)
		var running sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		running.Go(func() { informer.RunWithContext(ctx) })
		synctest.Wait()
		require.Equal(t, []string{"default/a"}, informer.GetStore().ListKeys())
		require.NoError(t, cs.CoreV1().ConfigMaps("default").Delete(t.Context(), "a", metav1.DeleteOptions{}))
		synctest.Wait()
		require.Empty(t, informer.GetStore().ListKeys())
		cancel()
		running.Wait()
	})
}

func TestDynamicAndMetadataFakes(t *testing.T) {
	client := dynamicfake.NewSimpleDynamicClient(scheme.Scheme, configMap("a"))
	fake.Harden(t, &client.Fake, scheme.Scheme, fake.Unstructured())
	o, err := client.Resource(configMaps).Namespace("default").Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, o.GetUID())
	unstructured.RemoveNestedField(o.Object, "metadata", "uid")
	_, err = client.Resource(configMaps).Namespace("default").Update(t.Context(), o, metav1.UpdateOptions{})
	require.NoError(t, err)
	list, err := client.Resource(configMaps).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)

	known := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(known))
	partial := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "m"}}
	metadata := metadatafake.NewSimpleMetadataClient(known, partial)
	fake.Harden(t, &metadata.Fake, known, fake.MetadataOnly())
	m, err := metadata.Resource(configMaps).Namespace("default").Get(t.Context(), "m", metav1.GetOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, m.UID)
	all, err := metadata.Resource(configMaps).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, all.Items, 1)
}
