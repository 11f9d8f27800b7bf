package configmirror

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// mirrorList satisfies what client-go's fakes ask of lists.
type mirrorList = v1alpha1.ConfigMirrorList

// object is of any kind.
type object interface {
	metav1.Object
	runtime.Object
}

// fakes are a fake clientset, and a client in the same style for the kind that has
// none generated.
type fakes struct {
	*fake.Clientset
	mirrorClient     *clienttesting.Fake
	mirrors, objects *versioned
	repos            repositories

	mu       sync.Mutex
	seen     []string
	attempts int
	failures []error
}

func newFakes(t *testing.T, mirror *v1alpha1.ConfigMirror, objects ...runtime.Object) *fakes {
	t.Helper()
	f := &fakes{Clientset: fake.NewClientset()}
	f.objects = track(f.Tracker())
	for _, obj := range objects {
		require.NoError(t, f.objects.Add(obj))
	}
	f.PrependReactor("*", "*", clienttesting.ObjectReaction(f.objects))
	client := &clienttesting.Fake{}
	f.mirrorClient, f.mirrors = client, trackMirrors(t, client, mirror)
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
func trackMirrors(t *testing.T, client *clienttesting.Fake, mirror *v1alpha1.ConfigMirror) *versioned {
	t.Helper()
	s := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(s))
	tracker := track(clienttesting.NewObjectTracker(s, serializer.NewCodecFactory(s).UniversalDecoder()))
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

// edit changes the spec of the mirror.
func (f *fakes) edit(t *testing.T, change func(*v1alpha1.ConfigMirrorSpec)) {
	t.Helper()
	m := f.mirror(t)
	change(&m.Spec)
	m.Generation++
	require.NoError(t, f.mirrors.Update(v1alpha1.Resource(), m, ""))
	synctest.Wait()
}

// mirror reads the mirror.
func (f *fakes) mirror(t *testing.T) *v1alpha1.ConfigMirror {
	t.Helper()
	m, err := f.repos.mirrors.Get(t.Context(), types.NamespacedName{Name: "m"})
	require.NoError(t, err)
	return m
}

// resource returns what the tracker keeps obj under.
func resource(t *testing.T, obj runtime.Object) schema.GroupVersionResource {
	t.Helper()
	kinds, _, err := scheme.Scheme.ObjectKinds(obj)
	require.NoError(t, err)
	plural, _ := meta.UnsafeGuessKindToResource(kinds[0])
	return plural
}

// add, replace and drop write an object as somebody else does.
func (f *fakes) add(t *testing.T, obj object) error {
	t.Helper()
	return f.objects.Create(resource(t, obj), obj, obj.GetNamespace())
}

func (f *fakes) replace(t *testing.T, obj object) error {
	t.Helper()
	obj.SetResourceVersion("")
	return f.objects.Update(resource(t, obj), obj, obj.GetNamespace())
}

func (f *fakes) drop(t *testing.T, obj object) error {
	t.Helper()
	return f.objects.Delete(resource(t, obj), obj.GetNamespace(), obj.GetName())
}

// put adds or replaces an object, and returns when nothing more happens without
// time passing.
func (f *fakes) put(t *testing.T, obj object) {
	t.Helper()
	err := f.replace(t, obj)
	if apierrors.IsNotFound(err) {
		err = f.add(t, obj)
	}
	require.NoError(t, err)
	synctest.Wait()
}

// remove drops an object, and returns like put.
func (f *fakes) remove(t *testing.T, obj object) {
	t.Helper()
	require.NoError(t, f.drop(t, obj))
	synctest.Wait()
}

// get returns the object of that kind and name, or nil.
func (f *fakes) get(t *testing.T, like object) object {
	t.Helper()
	found, err := f.objects.Get(resource(t, like), like.GetNamespace(), like.GetName())
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(t, err)
	return found.(object)
}

// attempted counts an attempt.
func (f *fakes) attempted(a controller.Attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts++
	if a.Err != nil {
		f.failures = append(f.failures, a.Err)
	}
}

// reconciled returns the number of attempts, and the errors of those that failed,
// since it was last called.
func (f *fakes) reconciled() (attempts int, failures []error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	attempts, failures = f.attempts, f.failures
	f.attempts, f.failures = 0, nil
	return attempts, failures
}

// retried waits for the second attempt, after one that failed because somebody else
// was faster.
func (f *fakes) retried(t *testing.T) {
	t.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	_, failures := f.reconciled()
	require.Len(t, failures, 1)
	require.Contains(t, []kerr.Class{kerr.ClassConflict, kerr.ClassGone}, kerr.ClassOf(failures[0]), "%v", failures[0])
}

// race lets somebody do something just before the server gets the next request of
// that kind.
func race(client *clienttesting.Fake, verb, resource string, do func() error) {
	var done atomic.Bool
	client.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		if done.Swap(true) {
			return false, nil, nil
		}
		err := do()
		return err != nil, nil, err
	})
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
