package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// barrier does something once, right before the next PATCH of a path is sent.
type barrier struct {
	path  string
	do    func() error
	armed atomic.Bool
	codes chan int // what the server answered, or 0 if there was an error before
}

func newBarrier(path string) *barrier { return &barrier{path: path, codes: make(chan int, 1)} }

func (b *barrier) pass(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	mine := r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, b.path) && b.armed.CompareAndSwap(true, false)
	if !mine {
		return next.RoundTrip(r)
	}
	if err := b.do(); err != nil {
		b.codes <- 0
		return nil, err
	}
	response, err := next.RoundTrip(r)
	if err != nil {
		b.codes <- 0
		return nil, err
	}
	b.codes <- response.StatusCode
	return response, nil
}

// code returns what the server answered to the request.
func (b *barrier) code(t *testing.T) int {
	t.Helper()
	select {
	case code := <-b.codes:
		return code
	case <-time.After(time.Minute):
		require.FailNow(t, "timeout", "no request to %s within a minute", b.path)
		return 0
	}
}

// applier keeps one child by server-side apply, with the UID if there is one. It looks at
// the server: a cache that has seen that ours was deleted, and not yet that somebody made
// another one, would let it apply without a UID, and take that over.
func applier(live *repository.Live[*corev1.ConfigMap]) controller.Funcs[*Widget] {
	return controller.Funcs[*Widget]{FinalizerName: ours, ApplyFunc: func(ctx context.Context, obj *Widget) (controller.Action, error) {
		want, err := childOf(obj, obj.Name)
		if err != nil {
			return controller.AwaitChange(), err
		}
		want.Data = map[string]string{"text": obj.Spec.Text}
		switch have, err := live.Get(ctx, repository.Key(obj)); {
		case err != nil && kerr.ClassOf(err) != kerr.ClassNotFound:
			return controller.AwaitChange(), err
		case err == nil && !metav1.IsControlledBy(have, obj):
			return controller.AwaitChange(), errors.New("somebody else's")
		case err == nil:
			want.UID = have.UID
		}
		_, err = live.Apply(ctx, want, "e2e")
		return controller.AwaitChange(), err
	}}
}

// TestFault24ApplyDoesNotBringAChildBack deletes the child, or replaces it by somebody
// else's, when the server-side apply that changes it is on its way: row E19. Red if
// the UID is not sent: the server then creates a ghost, or takes over what is not ours.
func TestFault24ApplyDoesNotBringAChildBack(t *testing.T) {
	for replaced, code := range map[bool]int{false: http.StatusConflict, true: http.StatusUnprocessableEntity} {
		w, b := newWorld(t), newBarrier("/configmaps/w")
		live := w.configMaps(passing(w.cfg, b.pass))
		children, err := informer.New(live, nil)
		require.NoError(t, err)
		c, err := controller.New(w.repo, applier(live), w.options())
		require.NoError(t, err)
		controller.Owns(c, children)
		w.create(w.widget("w"))
		w.start(c)
		w.until("applied", isApplied(w.key("w")))

		maps := w.admin.CoreV1().ConfigMaps(w.namespace)
		b.do = func() error {
			err := maps.Delete(t.Context(), "w", metav1.DeleteOptions{})
			if err == nil && replaced {
				_, err = maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "w"}}, metav1.CreateOptions{})
			}
			return err
		}
		b.armed.Store(true)
		obj, err := w.merge(w.live("w"), `{"spec":{"text":"new"}}`)
		require.NoError(t, err)
		require.Equal(t, code, b.code(t))
		if replaced {
			w.until("that is refused", func(a controller.Attempt) bool { return kerr.ClassOf(a.Err) == kerr.ClassInvalid })
			theirs, err := maps.Get(t.Context(), "w", metav1.GetOptions{})
			require.NoError(t, err)
			require.Empty(t, theirs.OwnerReferences, "left alone")
			require.NoError(t, maps.Delete(t.Context(), "w", metav1.DeleteOptions{}))
		} else {
			w.until("that conflicts", func(a controller.Attempt) bool { return kerr.ClassOf(a.Err) == kerr.ClassConflict })
		}
		w.until("that makes a new one", func(a controller.Attempt) bool {
			return isApplied(w.key("w"))(a) && len(w.liveChildren("w")) == 1
		})
		child := w.liveChildren("w")[0]
		require.Equal(t, "new", child.Data["text"])
		require.True(t, metav1.IsControlledBy(&child, obj))
	}
}

// TestFault24WritesToAnOwnerThatIsGone removes the owner by force when the library's
// own write to it is on its way: the finalizer's, and the status'. Red if such a write
// can create, as a server-side apply does, or if the answer is taken for a success:
// Apply is then called for an object that nobody can clean up.
func TestFault24WritesToAnOwnerThatIsGone(t *testing.T) {
	for step, path := range map[kerr.Op]string{kerr.OpAddFinalizer: "/widgets/w", kerr.OpPatchStatus: "/widgets/w/status"} {
		w, b := newWorld(t), newBarrier(path)
		repo := w.widgets(passing(w.cfg, b.pass))
		opts := w.options()
		opts.Workers = 1
		c, err := controller.New(repo, sizer(repo), opts)
		require.NoError(t, err)
		obj := w.create(w.widget("w"))
		b.do = func() error {
			_, err := w.merge(obj, `{"metadata":{"finalizers":null}}`)
			return errors.Join(err, w.repo.Delete(t.Context(), obj))
		}
		b.armed.Store(true)
		w.start(c)
		require.Equal(t, http.StatusNotFound, b.code(t), step)
		if step == kerr.OpPatchStatus {
			w.until("that finds it gone", func(a controller.Attempt) bool { return kerr.ClassOf(a.Err) == kerr.ClassNotFound })
		}
		w.create(w.widget("next")) // there is one worker: this is after all about the other
		w.until("applied", isApplied(w.key("next")))
		require.Nil(t, w.live("w"))
		for _, a := range w.drained() {
			nothing := a.Op != kerr.OpApply && a.Writes == 0 && a.Err == nil
			require.True(t, a.Key != w.key("w") || nothing || a.Bypassed, "only the Cleanup that was missed: %+v", a)
		}
	}
}

// lateOwner is an operator whose owners and children are of kinds that the garbage
// collector knows from its start. The first Apply is told when to go on.
type lateOwner struct {
	secrets       *repository.Live[*corev1.Secret]
	byServer      bool // server-side apply, instead of Create
	first         sync.Once
	entered, goOn chan struct{}
}

func (l *lateOwner) Finalizer() string { return ours }

func (l *lateOwner) Apply(ctx context.Context, obj *corev1.ConfigMap) (controller.Action, error) {
	l.first.Do(func() {
		close(l.entered)
		<-l.goOn
	})
	child := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: obj.Namespace, Name: obj.Name}}
	err := repository.SetController(obj, corev1.SchemeGroupVersion.WithKind("ConfigMap"), child)
	if err == nil && l.byServer {
		_, err = l.secrets.Apply(ctx, child, "e2e")
	} else if err == nil {
		_, err = l.secrets.Create(ctx, child)
	}
	return controller.AwaitChange(), err
}

func (l *lateOwner) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// TestFault24ChildOfAnOwnerThatIsGone removes the owner by force while Apply is about
// to create its child. The child is collected; if there is a new owner of that name,
// that one gets a child of its own. Red if owner references do not have the UID of
// what Apply was given, or if Create adopts the child of another owner of the same name
// : the garbage collector then takes it away and nobody knows.
func TestFault24ChildOfAnOwnerThatIsGone(t *testing.T) {
	for name, byServer := range map[string]bool{"create": false, "apply": true} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s again=%t", name, again), func(t *testing.T) { ownerGone(t, byServer, again) })
		}
	}
}

func ownerGone(t *testing.T, byServer, again bool) {
	w := newWorld(t)
	l := &lateOwner{entered: make(chan struct{}), goOn: make(chan struct{}), byServer: byServer}
	var err error
	l.secrets, err = repository.New[corev1.Secret](w.cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("secrets"), repository.InNamespaces(w.namespace))
	require.NoError(t, err)
	opts := w.options()
	opts.Informer.LabelSelector = labels.SelectorFromSet(labels.Set{"owns": "one"})
	owners := w.configMaps(w.cfg)
	c, err := controller.New(owners, l, opts)
	require.NoError(t, err)
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "o", Labels: map[string]string{"owns": "one"}}}
	old, err := owners.Create(t.Context(), owner)
	require.NoError(t, err)
	require.NoError(t, shared.ControllerManager().Pause()) // nothing is collected yet
	t.Cleanup(func() { require.NoError(t, shared.ControllerManager().Resume()) })
	w.start(c)
	<-l.entered
	_, err = owners.Patch(t.Context(), old, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	require.NoError(t, err)
	require.NoError(t, owners.Delete(t.Context(), old))
	if again {
		owner, err = owners.Create(t.Context(), owner)
		require.NoError(t, err)
	}
	close(l.goOn)
	w.until("of the old one", func(a controller.Attempt) bool { return a.UID == old.UID && isApplied(w.key("o"))(a) })
	if again && !byServer {
		a := w.until("of the new one", func(a controller.Attempt) bool { return a.UID == owner.UID })
		require.Equal(t, kerr.ClassAlreadyExists, kerr.ClassOf(a.Err), "the child is not its own: %v", a.Err)
	}
	require.NoError(t, shared.ControllerManager().Resume())
	settled := func(ctx context.Context) (bool, error) {
		child, err := l.secrets.Get(ctx, w.key("o"))
		return again && err == nil && metav1.IsControlledBy(child, owner) || !again && apierrors.IsNotFound(err), nil
	}
	require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, settled))
	if !again {
		_, err = owners.Get(t.Context(), w.key("o"))
		require.True(t, apierrors.IsNotFound(err), "%v", err)
	}
}
