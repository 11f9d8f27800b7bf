package configmirror

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/repository"
)

// mirrorList satisfies what client-go's fakes ask of lists.
type mirrorList = v1alpha1.ConfigMirrorList

// fakes are a fake clientset, and a client in the same style for the kind that has
// none generated.
type fakes struct {
	*fake.Clientset
	mirrors clienttesting.ObjectTracker
	repos   repositories

	mu   sync.Mutex
	seen []string
}

func newFakes(t *testing.T, mirror *v1alpha1.ConfigMirror, objects ...runtime.Object) *fakes {
	t.Helper()
	f := &fakes{Clientset: fake.NewClientset(objects...)}
	client := &clienttesting.Fake{}
	f.mirrors = trackMirrors(t, client, mirror)
	f.PrependReactor("*", "*", f.record)
	client.PrependReactor("*", "*", f.record)
	mirrors := gentype.NewFakeClientWithList[*v1alpha1.ConfigMirror, *mirrorList](
		client, "", v1alpha1.Resource(), v1alpha1.Kind(),
		func() *v1alpha1.ConfigMirror { return &v1alpha1.ConfigMirror{} },
		func() *mirrorList { return &mirrorList{} },
		func(into, from *mirrorList) { into.ListMeta = from.ListMeta },
		func(list *mirrorList) []*v1alpha1.ConfigMirror { return gentype.ToPointerSlice(list.Items) },
		func(list *mirrorList, items []*v1alpha1.ConfigMirror) { list.Items = gentype.FromPointerSlice(items) },
	)
	f.repos = repositories{
		mirrors:    repository.FromClusterClient(f.Clientset, v1alpha1.Kind(), mirrors),
		namespaces: repository.FromClusterClient(f.Clientset, corev1.SchemeGroupVersion.WithKind("Namespace"), f.CoreV1().Namespaces()),
		configMaps: repository.FromClient(f.Clientset, corev1.SchemeGroupVersion.WithKind("ConfigMap"), f.CoreV1().ConfigMaps),
		secrets:    repository.FromClient(f.Clientset, corev1.SchemeGroupVersion.WithKind("Secret"), f.CoreV1().Secrets),
	}
	return f
}

// trackMirrors makes client answer from a tracker that has the mirror.
func trackMirrors(t *testing.T, client *clienttesting.Fake, mirror *v1alpha1.ConfigMirror) clienttesting.ObjectTracker {
	t.Helper()
	s := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(s))
	tracker := &versioned{ObjectTracker: clienttesting.NewObjectTracker(s, serializer.NewCodecFactory(s).UniversalDecoder())}
	require.NoError(t, tracker.Create(v1alpha1.Resource(), mirror, ""))
	client.AddReactor("*", "*", clienttesting.ObjectReaction(tracker))
	client.AddWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		events, err := tracker.Watch(action.GetResource(), action.GetNamespace())
		return true, events, err
	})
	return tracker
}

// delete marks the mirror as being deleted.
func (f *fakes) delete(t *testing.T) {
	t.Helper()
	m := f.mirror(t)
	now := metav1.Now()
	m.DeletionTimestamp = &now
	require.NoError(t, f.mirrors.Update(v1alpha1.Resource(), m, ""))
}

// mirror reads the mirror.
func (f *fakes) mirror(t *testing.T) *v1alpha1.ConfigMirror {
	t.Helper()
	m, err := f.repos.mirrors.Get(t.Context(), types.NamespacedName{Name: "m"})
	require.NoError(t, err)
	return m
}

// record notes a request that changes something.
func (f *fakes) record(action clienttesting.Action) (bool, runtime.Object, error) {
	if slices.Contains([]string{"create", "update", "patch", "delete"}, action.GetVerb()) {
		what := action.GetVerb() + " " + action.GetResource().Resource
		if sub := action.GetSubresource(); sub != "" {
			what += "/" + sub
		}
		if namespace := action.GetNamespace(); namespace != "" {
			what += " in " + namespace
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, what)
	}
	return false, nil, nil
}

// writes returns the requests that changed something since it was last called.
func (f *fakes) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.seen
	f.seen = nil
	return seen
}
