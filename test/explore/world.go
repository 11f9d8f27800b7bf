package explore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/test/sim"
)

// world is one run: a server, the operator's processes, a user, and a plan of what goes wrong.
type world struct {
	suite   *suite
	plan    Plan
	limits  limits
	server  *sim.Server
	history *history
	trace   *trace

	primary     schema.GroupResource
	userSession *sim.Session
	external    map[string]External
	ctx         context.Context //nolint:containedctx // that of all processes of the run
	over        chan struct{}   // closed when the run ends
	restarting  sync.WaitGroup

	mu        sync.Mutex
	processes []*process
	started   int            // processes so far
	restarts  int            // that ended by themselves
	leased    bool           // one has written a lease
	hindered  time.Time      // until then one cannot do what it wants
	slowClock *process       // nil if all clocks are the same
	step      int            // of the script
	heldSince int            // the step at which watches were held back
	points    map[string]int // writes so far, by name
	lastRV    uint64         // of the cluster when the last write came
	faults    int            // of the plan that have happened
	struck    map[point]bool // where one has
	writes    []*writeRecord
	effects   []effect
	touched   map[ref]types.UID
	failures  []string
	skipped   bool // the plan is not possible
	blamed    int  // faults that had happened when the first of them was found
	rests     []restState
}

// writeRecord is a write of the operator.
type writeRecord struct {
	at        point
	target    ref
	verb      string
	effective bool
	masked    bool // nothing but masked fields has changed
	rested    bool // it was sent when the operator was at rest
	api       bool
	status    bool // it changed a status
	result    string
	since     int           // changes in the history before it
	when      time.Duration // after the run began
}

// restState is what there is at a Settle.
type restState struct {
	state  state // nil if nothing is compared
	faults int   // of the plan that have happened so far
}

// limits are how long to wait for what.
type limits struct {
	quiet time.Duration // nothing happens for this long: settled
	bound time.Duration // at most so long
	want  []state       // what the states should be; nil in a run without faults
	mask  *mask
	seed  uint64
	slow  slowness
}

func newWorld(s *suite, plan Plan, l limits) (*world, error) {
	w := &world{suite: s, plan: plan, limits: l, external: map[string]External{}, over: make(chan struct{}), touched: map[ref]types.UID{}, points: map[string]int{}, struck: map[point]bool{}}
	w.history, w.trace = newHistory(), newTrace()
	server, err := sim.New(sim.Options{Kinds: append(slices.Clip(s.kinds), besides()...), Seed: l.seed, GarbageCollection: true, NamespaceDeletion: true, OnChange: w.changed})
	if err != nil {
		return nil, err
	}
	w.server, w.userSession = server, server.Session("user")
	gvr, _, err := w.mapping(s.primary)
	if err != nil {
		return nil, err
	}
	w.primary = gvr.GroupResource()
	for range l.seed { // other resourceVersions too
		if err := server.AddNamespace(fmt.Sprintf("seed-%d", server.RV())); err != nil {
			return nil, err
		}
	}
	for name, make := range s.external {
		w.external[name] = make()
	}
	return w, nil
}

// besides are the kinds that are served in any case: nearly every operator writes events, none of these
// is compared, and refusals would only fill the log.
func besides() []sim.Kind {
	return sim.Core("events", "events.events.k8s.io", "leases.coordination.k8s.io")
}

// run takes the steps of the script.
func (w *world) run() error {
	defer w.server.Close()
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // the life of the processes, which the script ends
	defer cancel()
	w.ctx = ctx
	client, err := dynamic.NewForConfig(w.userSession.Config())
	if err != nil {
		return err
	}
	u := &user{world: w, dynamic: client}
	w.startProcess(0)
	for i, step := range w.suite.script {
		w.mu.Lock()
		w.step = i + 1
		w.mu.Unlock()
		if err := w.take(ctx, u, i, step); err != nil {
			w.stop()
			return fmt.Errorf("step %d of the script, %s: %w", i+1, step, err)
		}
		if w.failed() {
			break
		}
	}
	w.stop()
	return nil
}

// take takes a step, and what the plan has for it.
func (w *world) take(ctx context.Context, u *user, i int, step Step) error {
	fault, planned := w.plan.at(stepPoint(i))
	if planned && fault == Gap {
		w.strike("all watches are held back from here to the end of the next step")
		for _, p := range w.lives() {
			w.holdBack(p)
		}
	}
	if step == Settle() {
		if w.inGap(i) {
			return nil
		}
		return step.run(ctx, u)
	}
	var undo func() error
	if planned && fault == Revert {
		undo = w.remember(ctx, u, step)
	}
	w.trace.say("script", "%s", step)
	if err := w.runStep(ctx, u, step); err != nil {
		return err
	}
	w.history.active()
	if undo == nil {
		return nil
	}
	if err := w.calm(ctx, restWhileHeld); err != nil {
		return err
	}
	w.strike("the object is changed back to what it was before: " + step.String())
	err := undo()
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsBadRequest(err) {
		w.trace.say("fault", "it cannot be changed back: %v", err)
		w.skipped = true
		return nil
	}
	return err
}

// runStep runs a step. One that needs what the operator has not done, since its watches are held back,
// is run again when they have shown all: a name can be free again only then, for instance.
func (w *world) runStep(ctx context.Context, u *user, step Step) error {
	err := step.run(ctx, u)
	if err == nil || !w.isHeld() {
		return err
	}
	w.trace.say("script", "it cannot: %v", err)
	from := time.Now()
	if err := w.catchUp(ctx); err != nil {
		return err
	}
	for err != nil && time.Since(from) < 5*restWhileHeld && !w.failed() {
		if err := pause(ctx, restBetween); err != nil {
			return err
		}
		err = step.run(ctx, u)
	}
	return err
}

// strike notes that a fault of the plan has happened.
func (w *world) strike(what string) {
	w.trace.add(entry{who: "fault", what: what, planned: true})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults++
}

// inGap reports whether a settle comes between the step of a gap and the step after it.
func (w *world) inGap(i int) bool {
	at := w.plan.step(Gap)
	return at >= 0 && i > at && !slices.ContainsFunc(w.suite.script[at+1:i], func(s Step) bool { return s != Settle() })
}

// fail notes what is wrong with the operator in this run.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if len(w.failures) == 0 {
		w.blamed = w.faults
	}
	if !slices.Contains(w.failures, text) {
		w.failures = append(w.failures, text)
	}
}

func (w *world) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.failures) > 0
}
