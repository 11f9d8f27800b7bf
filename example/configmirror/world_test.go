package configmirror

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// object is of any kind.
type object interface {
	metav1.Object
	runtime.Object
}

// world is a simulated API server, the operator's connections to it, and somebody else's.
type world struct {
	process *sim.Session    // the operator's view of the server
	faults  *fault.Injector // what its requests suffer
	mirrors *repository.Live[*v1alpha1.ConfigMirror]
	core    rest.Interface

	mu       sync.Mutex
	seen     []string
	attempts int
	failures []error
}

// aDay is a day, or, with -short, two hours: each watch has ended and begun again by then.
func aDay() time.Duration {
	if testing.Short() {
		return 2 * time.Hour
	}
	return 24 * time.Hour
}

// operate runs the operator in a bubble of its own until story returns.
//
// There is the mirror, its source, a namespace that it selects, and one that it does not:
// elsewhere.
func operate(t *testing.T, objects []object, story func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, obj := range append([]object{
			namespace("shop", nil), namespace("web", map[string]string{"team": "web"}), namespace("elsewhere", nil), configMap("shop", "blue"),
		}, objects...) {
			require.NoError(t, w.add(t, obj))
		}
		_, err := w.mirrors.Create(t.Context(), theMirror())
		require.NoError(t, err)

		cfg := w.faults.Config(w.process.Config())
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return recorder{w, next} })
		c, err := New(cfg, &controller.Options{Logger: zap.NewNop(), Observer: controller.ObserverFuncs{EndedFunc: w.attempted}})
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
		story(t, w)
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	srv, err := sim.New(sim.Options{
		Kinds:             append(sim.Core("configmaps", "secrets"), sim.CRD(CRD())...),
		NamespaceDeletion: true,
	})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	known := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(known))
	mirrors, err := repository.New[v1alpha1.ConfigMirror](srv.Config(), known, v1alpha1.Resource(), repository.ClusterScoped())
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(srv.Config())
	require.NoError(t, err)
	return &world{process: srv.Session("operator"), faults: fault.For(t), mirrors: mirrors, core: client.CoreV1().RESTClient()}
}

// mirror reads the mirror.
func (w *world) mirror(t *testing.T) *v1alpha1.ConfigMirror {
	t.Helper()
	m, err := w.mirrors.Get(t.Context(), types.NamespacedName{Name: "m"})
	require.NoError(t, err)
	return m
}

// edit changes the spec of the mirror.
func (w *world) edit(t *testing.T, change func(*v1alpha1.ConfigMirrorSpec)) {
	t.Helper()
	before := w.mirror(t)
	after := before.DeepCopy()
	change(&after.Spec)
	_, err := w.mirrors.Update(t.Context(), before, after)
	require.NoError(t, err)
	synctest.Wait()
}

// delete deletes the mirror.
func (w *world) delete(t *testing.T) {
	t.Helper()
	require.NoError(t, w.mirrors.Delete(t.Context(), w.mirror(t)))
}

// request begins a request for objects of that kind, in the namespace of this one.
func (w *world) request(t *testing.T, method string, obj object) *rest.Request {
	t.Helper()
	kinds, _, err := scheme.Scheme.ObjectKinds(obj)
	require.NoError(t, err)
	plural, _ := meta.UnsafeGuessKindToResource(kinds[0])
	return w.core.Verb(method).NamespaceIfScoped(obj.GetNamespace(), obj.GetNamespace() != "").Resource(plural.Resource)
}

// add, replace and drop write an object as somebody else does.
func (w *world) add(t *testing.T, obj object) error {
	t.Helper()
	return w.request(t, http.MethodPost, obj).Body(obj).Do(t.Context()).Error()
}

func (w *world) replace(t *testing.T, obj object) error {
	t.Helper()
	return w.request(t, http.MethodPut, obj).Name(obj.GetName()).Body(obj).Do(t.Context()).Error()
}

func (w *world) drop(t *testing.T, obj object) error {
	t.Helper()
	return w.request(t, http.MethodDelete, obj).Name(obj.GetName()).Do(t.Context()).Error()
}

// put adds or replaces an object, and returns when nothing more happens without
// time passing.
func (w *world) put(t *testing.T, obj object) {
	t.Helper()
	err := w.replace(t, obj)
	if apierrors.IsNotFound(err) {
		err = w.add(t, obj)
	}
	require.NoError(t, err)
	synctest.Wait()
}

// remove drops an object, and returns like put.
func (w *world) remove(t *testing.T, obj object) {
	t.Helper()
	require.NoError(t, w.drop(t, obj))
	synctest.Wait()
}

// get returns the object of that kind and name, or nil.
func (w *world) get(t *testing.T, like object) object {
	t.Helper()
	found, err := w.request(t, http.MethodGet, like).Name(like.GetName()).Do(t.Context()).Get()
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(t, err)
	return found.(object)
}

// attempted counts an attempt.
func (w *world) attempted(_ context.Context, a controller.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts++
	if a.Err != nil {
		w.failures = append(w.failures, a.Err)
	}
}

// reconciled returns the number of attempts, and the errors of those that failed,
// since it was last called.
func (w *world) reconciled() (attempts int, failures []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	attempts, failures = w.attempts, w.failures
	w.attempts, w.failures = 0, nil
	return attempts, failures
}

// retried waits for the second attempt, after one that failed because somebody else
// was faster.
func (w *world) retried(t *testing.T) {
	t.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	_, failures := w.reconciled()
	require.Len(t, failures, 1)
	require.Contains(t, []kerr.Class{kerr.ClassConflict, kerr.ClassAlreadyExists, kerr.ClassNotFound}, kerr.ClassOf(failures[0]), "%v", failures[0])
}

// suffer has requests of the operator fail from now on, as the rule says.
func (w *world) suffer(t *testing.T, rule *fault.Rule) {
	t.Helper()
	require.NoError(t, w.faults.Add(rule))
}

// race lets somebody do something just before the server gets the operator's next
// request of that kind.
func (w *world) race(t *testing.T, verb, resource string, do func() error) {
	t.Helper()
	w.suffer(t, fault.On(verb, resource).Times(1).Then(fault.Call(func() {
		if err := do(); err != nil {
			t.Error(err) // not require: this is a goroutine of the operator's
		}
	})))
}

// diskFull is an answer of a server that fails.
func diskFull() fault.Outcome {
	return fault.Answer(metav1.Status{
		Code: http.StatusInternalServerError, Reason: metav1.StatusReasonInternalError, Message: "disk\nfull",
	})
}

// recorder notes the requests of the operator that change something.
type recorder struct {
	world *world
	next  http.RoundTripper
}

// target has the namespace, the resource and the subresource of a path.
var target = regexp.MustCompile(`/v1\w*(?:/namespaces/([^/]+))?/(\w+)(?:/[^/]+)?(/\w+)?$`)

// RoundTrip notes a request, whatever becomes of it.
func (r recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	if verb, writes := map[string]string{"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[request.Method]; writes {
		at := target.FindStringSubmatch(request.URL.Path)
		what := verb + " " + at[2] + at[3]
		if at[1] != "" {
			what += " in " + at[1]
		}
		r.world.mu.Lock()
		r.world.seen = append(r.world.seen, what)
		r.world.mu.Unlock()
	}
	return r.next.RoundTrip(request)
}

// writes returns the requests that changed something since it was last called.
func (w *world) writes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}
