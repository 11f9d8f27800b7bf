package controller_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

const ours = "example.com/cleanup"

type (
	deployment = appsv1.Deployment
	action     = controller.Action
)

// harness is a controller of Deployments that runs in virtual time, and what it did.
type harness struct {
	*server
	t    *testing.T
	repo *repository.Live[*deployment]
	// watched is what the controller is made of: repo, or a wrapper.
	watched repository.Repository[*deployment]
	opts    controller.Options
	logs    *observer.ObservedLogs
	user    controller.Funcs[*deployment]
	c       *controller.Controller[*deployment, controller.Funcs[*deployment]]
	stop    context.CancelFunc
	done    chan error

	calls // "apply name" and "cleanup name"

	mu       sync.Mutex
	attempts []controller.Attempt
	troubles []controller.Trouble
}

// crowd is how many objects a test of many has: the full number without -short, else a quarter.
func crowd(full int) int {
	if testing.Short() {
		return full / 4
	}
	return full
}

// inBubble runs f in virtual time with a server that holds objs. That the bubble
// ends shows that no goroutine is left (G14).
func inBubble(t *testing.T, f func(b *harness), objs ...metav1.Object) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		logger, logs := newLogs()
		b := &harness{server: newServer(t, objs...), t: t, logs: logs}
		b.repo = repository.FromClient(b.Clientset, appsv1.SchemeGroupVersion.WithKind("Deployment"), b.Clientset.AppsV1().Deployments)
		b.watched = b.repo
		b.opts = controller.Options{Workers: 4, Logger: logger, Observer: b}
		b.user = controller.Funcs[*deployment]{FinalizerName: ours}
		defer func() { // also if f fails: what it started could go on for ever, in virtual time
			if b.stop == nil {
				return
			}
			b.stop()
			if err := <-b.done; !t.Failed() {
				require.NoError(t, err)
			}
		}()
		f(b)
	})
}

// newLogs returns a logger and the records that it gets.
func newLogs() (*zap.Logger, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.DebugLevel)
	return zap.New(core), logs
}

// start runs the controller. apply and cleanup are called after the call is noted.
func (b *harness) start() {
	b.t.Helper()
	b.make()
	b.run()
}

func (b *harness) make() {
	b.t.Helper()
	user := b.user
	user.ApplyFunc, user.CleanupFunc = b.noted("apply ", b.user.ApplyFunc), b.noted("cleanup ", b.user.CleanupFunc)
	if b.user.FinalizerName == controller.NoFinalizer {
		user.CleanupFunc = nil
	}
	var err error
	b.c, err = controller.New(b.watched, user, &b.opts)
	require.NoError(b.t, err)
}

func (b *harness) run() {
	ctx, cancel := context.WithCancel(b.t.Context())
	c, done := b.c, make(chan error, 1)
	b.stop, b.done = cancel, done
	go func() { done <- c.Run(ctx) }()
	synctest.Wait()
}

// runs runs another controller, or an informer, until stop is called, which waits for its end.
func (b *harness) runs(r controller.Runner) (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		b.t.Helper()
		cancel()
		require.NoError(b.t, <-done)
	}
}

func (b *harness) noted(what string, f func(context.Context, *deployment) (action, error)) func(context.Context, *deployment) (action, error) {
	return func(ctx context.Context, d *deployment) (action, error) {
		b.called(what + d.Name)
		if f == nil {
			return controller.AwaitChange(), nil
		}
		return f(ctx, d)
	}
}

// The harness is an observer.

func (*harness) Started(ctx context.Context, _ controller.Attempt) context.Context { return ctx }

func (b *harness) Ended(_ context.Context, a controller.Attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts = append(b.attempts, a)
}

func (b *harness) Trouble(t controller.Trouble) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = append(b.troubles, t)
}

// calls are those of user code.
type calls struct {
	lock sync.Mutex
	made []string
}

func (c *calls) called(what string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.made = append(c.made, what)
}

// settle lets virtual time pass until nothing moves, and returns the calls since
// the last settle. What a call writes may be read between two of them without a lock:
// synctest.Wait orders the calls before it, and the lock those after it, which time.Sleep
// does not order.
func (c *calls) settle(d time.Duration) []string {
	c.lock.Lock()
	c.lock.Unlock() //nolint:staticcheck // empty on purpose, see above
	time.Sleep(d)
	synctest.Wait()
	c.lock.Lock()
	defer c.lock.Unlock()
	made := c.made
	c.made = nil
	return made
}

// troubled returns the troubles since the last call.
func (b *harness) troubled() []controller.Trouble {
	b.mu.Lock()
	defer b.mu.Unlock()
	troubles := b.troubles
	b.troubles = nil
	return troubles
}

// took returns the attempts since the last call.
func (b *harness) took() []controller.Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	attempts := b.attempts
	b.attempts = nil
	return attempts
}

func (b *harness) live(name string) *deployment {
	b.t.Helper()
	d, err := b.Clientset.AppsV1().Deployments("ns").Get(b.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(b.t, err)
	return d
}

func (b *harness) create(name string) {
	b.t.Helper()
	_, err := b.Clientset.AppsV1().Deployments("ns").Create(b.t.Context(), newDeployment(name), metav1.CreateOptions{})
	require.NoError(b.t, err)
}

// quiet returns when the last attempt was two seconds ago, and forgets what there was: what happens to an object that
// failed less than a second ago waits for the rest of it.
func (b *harness) quiet() {
	b.t.Helper()
	for len(b.settle(2*time.Second)) > 0 {
	}
	b.took()
}

func (b *harness) edit(name string, change func(*deployment)) {
	b.t.Helper()
	d := b.live(name).DeepCopy()
	change(d)
	_, err := b.Clientset.AppsV1().Deployments("ns").Update(b.t.Context(), d, metav1.UpdateOptions{})
	require.NoError(b.t, err)
}

func (b *harness) editStatus(name string, change func(*appsv1.DeploymentStatus)) {
	b.t.Helper()
	d := b.live(name).DeepCopy()
	change(&d.Status)
	_, err := b.Clientset.AppsV1().Deployments("ns").UpdateStatus(b.t.Context(), d, metav1.UpdateOptions{})
	require.NoError(b.t, err)
}

func (b *harness) delete(name string) {
	b.t.Helper()
	require.NoError(b.t, b.Clientset.AppsV1().Deployments("ns").Delete(b.t.Context(), name, metav1.DeleteOptions{}))
}

// fail has requests fail from now on. A fault that does not happen fails the test.
func (b *harness) fail(rules ...*fault.Rule) {
	b.t.Helper()
	require.NoError(b.t, b.faults.Add(rules...))
	b.faults.Check(b.t)
}

func scale(replicas int32) func(*deployment) {
	return func(d *deployment) { d.Spec.Replicas = new(replicas) }
}

func nsName(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "ns", Name: name}
}
