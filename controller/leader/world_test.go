package leader_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

type (
	configMap = corev1.ConfigMap
	action    = controller.Action
)

var theLease = types.NamespacedName{Namespace: "default", Name: "operator"}

// world is a simulated API server, the processes that compete, and what took effect.
type world struct {
	t     *testing.T
	srv   *sim.Server
	admin kubernetes.Interface

	mu      sync.Mutex
	changes []sim.Change // by processes, and not of the lease
	all     []*process
}

// inBubble runs f in virtual time.
func inBubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		var err error
		w.srv, err = sim.New(sim.Options{
			Kinds: sim.Core("configmaps", "secrets", "leases.coordination.k8s.io"), Latency: 5 * time.Millisecond, OnChange: w.changed,
		})
		require.NoError(t, err)
		defer w.srv.Close()
		w.admin = kubernetes.NewForConfigOrDie(w.srv.Config())
		defer func() {
			for _, p := range w.all {
				p.kill()
			}
		}()
		f(w)
	})
}

func (w *world) changed(c sim.Change) {
	if c.Session == "" || c.Resource.Resource == "leases" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, c)
}

// writes returns the changes that a process made.
func (w *world) writes(name string) (changes []sim.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.changes {
		if c.Session == name {
			changes = append(changes, c)
		}
	}
	return changes
}

func (w *world) create(names ...string) {
	w.t.Helper()
	for _, name := range names {
		_, err := w.admin.CoreV1().ConfigMaps("default").Create(w.t.Context(), &configMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		require.NoError(w.t, err)
	}
}

func (w *world) lease() *coordinationv1.Lease {
	w.t.Helper()
	l, err := w.admin.CoordinationV1().Leases(theLease.Namespace).Get(w.t.Context(), theLease.Name, metav1.GetOptions{})
	require.NoError(w.t, err)
	return l
}

// process is one that competes for the lease with a controller of ConfigMaps.
type process struct {
	*world
	name    string
	session *sim.Session
	faults  *fault.Injector
	cfg     *rest.Config
	repo    *repository.Live[*configMap]
	elector *leader.Elector
	c       *controller.Controller[*configMap, controller.Funcs[*configMap]]
	logs    *observer.ObservedLogs
	opts    leader.Options
	user    controller.Funcs[*configMap]
	options controller.Options

	stop context.CancelFunc
	done chan error

	mu       sync.Mutex
	calls    []call
	attempts []controller.Attempt
}

// call is one of user code.
type call struct {
	what string
	at   time.Time
}

// process returns one that was not started yet.
func (w *world) process(name string) *process {
	w.t.Helper()
	p := &process{world: w, name: name, session: w.srv.Session(name)}
	var err error
	p.faults, err = fault.New()
	require.NoError(w.t, err)
	p.cfg = p.faults.Config(p.session.Config())
	p.repo, err = repository.New[configMap](p.cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(w.t, err)
	core, logs := observer.New(zapcore.DebugLevel)
	p.logs = logs
	p.opts = leader.Options{Identity: name, Logger: zap.New(core)}
	p.options = controller.Options{Logger: zap.New(core), Observer: controller.ObserverFuncs{EndedFunc: p.ended}}
	p.user = controller.Funcs[*configMap]{FinalizerName: "example.com/cleanup"}
	w.all = append(w.all, p)
	return p
}

// make makes the controller and the elector.
func (p *process) make() *process {
	p.t.Helper()
	user := p.user
	user.ApplyFunc, user.CleanupFunc = p.noted("apply ", user.ApplyFunc), p.noted("cleanup ", user.CleanupFunc)
	var err error
	p.c, err = controller.New(p.repo, user, &p.options)
	require.NoError(p.t, err)
	p.electorOnly()
	p.elector.Lead(p.c)
	return p
}

// electorOnly makes the elector, which has nothing to run yet.
func (p *process) electorOnly() {
	p.t.Helper()
	var err error
	p.elector, err = leader.New(p.cfg, theLease, &p.opts)
	require.NoError(p.t, err)
}

// start runs the process.
func (p *process) start() *process {
	p.t.Helper()
	if p.c == nil {
		p.make()
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	p.stop, p.done = cancel, make(chan error, 1)
	go func() { p.done <- p.elector.Run(ctx) }()
	return p
}

// end asks the process to end, and waits for that.
func (p *process) end() error {
	p.stop()
	defer func() { p.stop = nil }()
	return <-p.done
}

// kill ends the process as a crash does.
func (p *process) kill() {
	p.session.Sever()
	if p.stop != nil {
		_ = p.end()
	}
}

func (p *process) noted(what string, f func(context.Context, *configMap) (action, error)) func(context.Context, *configMap) (action, error) {
	return func(ctx context.Context, cm *configMap) (action, error) {
		p.mu.Lock()
		p.calls = append(p.calls, call{what + cm.Name, time.Now()})
		p.mu.Unlock()
		if f == nil {
			return controller.AwaitChange(), nil
		}
		return f(ctx, cm)
	}
}

func (p *process) ended(_ context.Context, a controller.Attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts = append(p.attempts, a)
}

// called returns what user code was called with.
func (p *process) called() (what []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		what = append(what, c.what)
	}
	return what
}

// first returns when user code was first called.
func (p *process) first() time.Time {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotEmpty(p.t, p.calls, "%s does not lead", p.name)
	return p.calls[0].at
}

// cutLease has the process's requests for leases, and no others, lead nowhere.
func (p *process) cutLease() {
	p.t.Helper()
	require.NoError(p.t, p.faults.Add(fault.On("*", "leases.coordination.k8s.io").Then(fault.Drop())))
}

func (p *process) leads() bool { return p.elector.Status().Leading }

// settle lets virtual time pass.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// leaders returns the names of those that lead.
func (w *world) leaders() (names []string) {
	for _, p := range w.all {
		if p.elector != nil && p.leads() {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return names
}

func numbered(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%d", prefix, i))
	}
	return names
}

func isLease(r *http.Request) bool { return strings.Contains(r.URL.Path, "/leases") }
