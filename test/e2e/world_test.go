package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

const ours = "e2e.kuberator.dev/cleanup"

// shared is the control plane of all tests of this package.
var shared *cluster.Cluster

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(leaderIdentity) != "" {
		return leaderProcess()
	}
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "e2e")
	defer os.RemoveAll(dir)
	var opts *cluster.Options
	if err == nil {
		opts, err = theServer.prepare(dir)
	}
	if err == nil {
		shared, err = cluster.New(ctx, opts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := 1
	if err = cluster.InstallCRDs(ctx, shared.Config(), definition(widgets, "Widget", true), definition(plains, "Plain", false)); err == nil {
		code = m.Run()
	}
	if err != nil || shared.Err() != nil {
		fmt.Fprintln(os.Stderr, err, shared.Err())
		code = 1
	}
	if err := shared.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// world is a namespace of one test, seen through a transport that counts.
type world struct {
	t         *testing.T
	cfg       *rest.Config
	admin     kubernetes.Interface
	namespace string
	repo      *repository.Live[*Widget]
	wire      *wire
	logs      *observer.ObservedLogs
	attempts  chan controller.Attempt
	troubles  chan controller.Trouble
	unclaimed []controller.Attempt // read by until, and not what it was looking for
}

func newWorld(t *testing.T) *world {
	t.Helper()
	admin, err := kubernetes.NewForConfig(shared.Config())
	require.NoError(t, err)
	ns, err := admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	return worldIn(t, shared, ns.Name)
}

// worldOf is newWorld on another control plane, in its default namespace.
func worldOf(t *testing.T, own *cluster.Cluster) *world {
	t.Helper()
	require.NoError(t, cluster.InstallCRDs(t.Context(), own.Config(), definition(widgets, "Widget", true)))
	return worldIn(t, own, metav1.NamespaceDefault)
}

func worldIn(t *testing.T, on *cluster.Cluster, namespace string) *world {
	t.Helper()
	w := &world{
		t: t, cfg: on.Config(), namespace: namespace, wire: &wire{},
		attempts: make(chan controller.Attempt, 100_000), troubles: make(chan controller.Trouble, 100_000),
	}
	w.cfg.WarningHandler = rest.NoWarnings{}
	w.cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return w.wire.over(next) })
	var err error
	w.admin, err = kubernetes.NewForConfig(on.Config())
	require.NoError(t, err)
	w.repo = w.widgets(w.cfg)
	return w
}

// options are those of a controller whose attempts and logs the test reads.
func (w *world) options() *controller.Options {
	core, logs := observer.New(zapcore.DebugLevel)
	w.logs = logs
	return &controller.Options{
		Workers: 8, Logger: zap.New(core), MinBackoff: 20 * time.Millisecond, MaxBackoff: time.Second,
		Observer: w,
	}
}

// start runs a controller until the test ends or stop is called.
func (w *world) start(r controller.Runner) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(w.t, <-done)
		})
	}
	w.t.Cleanup(stop)
	return stop
}

// until returns the first attempt that is as wanted. Those before it are kept for
// later calls.
func (w *world) until(what string, wanted func(controller.Attempt) bool) controller.Attempt {
	w.t.Helper()
	if i := slices.IndexFunc(w.unclaimed, wanted); i >= 0 {
		found := w.unclaimed[i]
		w.unclaimed = slices.Delete(w.unclaimed, i, i+1)
		return found
	}
	deadline := time.After(time.Minute)
	for {
		select {
		case a := <-w.attempts:
			if wanted(a) {
				return a
			}
			w.unclaimed = append(w.unclaimed, a)
		case <-deadline:
			require.FailNow(w.t, "timeout", "no attempt %s within a minute, but %+v", what, w.unclaimed)
		}
	}
}

// troubled waits for trouble that is as wanted.
func (w *world) troubled(wanted func(controller.Trouble) bool) controller.Trouble {
	w.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case t := <-w.troubles:
			if wanted(t) {
				return t
			}
		case <-deadline:
			require.FailNow(w.t, "timeout", "no such trouble within a minute")
		}
	}
}

// forget drops the attempts of a controller that was stopped.
func (w *world) forget() {
	w.unclaimed = nil
	for len(w.attempts) > 0 {
		<-w.attempts
	}
	for len(w.troubles) > 0 {
		<-w.troubles
	}
}

func (w *world) widget(name string) *Widget {
	return &Widget{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
}

func (w *world) create(obj *Widget) *Widget {
	w.t.Helper()
	got, err := w.repo.Create(w.t.Context(), obj)
	require.NoError(w.t, err)
	return got
}

func (w *world) key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: w.namespace, Name: name}
}

func (w *world) live(name string) *Widget {
	w.t.Helper()
	got, err := w.repo.Get(w.t.Context(), w.key(name))
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(w.t, err)
	return got
}

func (w *world) merge(obj *Widget, patch string, sub ...string) (*Widget, error) {
	return w.repo.Patch(w.t.Context(), obj, types.MergePatchType, []byte(patch), sub...)
}

// wire counts requests by verb and by object.
type wire struct {
	mu   sync.Mutex
	seen map[string]int
}

func (w *wire) over(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		w.mu.Lock()
		if w.seen == nil {
			w.seen = map[string]int{}
		}
		w.seen[r.Method+" "+r.URL.Path]++
		w.mu.Unlock()
		return next.RoundTrip(r)
	})
}

// count returns how many requests of a method went to paths with that suffix.
func (w *wire) count(method, suffix string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line, times := range w.seen {
		if strings.HasPrefix(line, method+" ") && strings.HasSuffix(line, suffix) {
			n += times
		}
	}
	return n
}

func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.seen)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The world is an observer.

func (*world) Started(ctx context.Context, _ controller.Attempt) context.Context { return ctx }

func (w *world) Ended(_ context.Context, a controller.Attempt) { w.attempts <- a }

func (w *world) Trouble(t controller.Trouble) { w.troubles <- t }
