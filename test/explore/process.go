package explore

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// process is one life of the operator.
type process struct {
	name    string
	session *sim.Session
	wire    *wire
	faults  *fault.Injector // those of the test itself
	ctx     context.Context //nolint:containedctx // that of its life
	cancel  context.CancelFunc
	done    chan struct{} // closed when Run has returned
	onCrash []func()
	crashed bool
	held    bool // its watches are held back
}

// restartAfter is how long it takes to start a process again.
const restartAfter = time.Second

// maxRestarts is how often an operator may end by itself.
const maxRestarts = 10

// startProcess starts a process. If behind is not 0, its API server's caches show nothing
// that came after that resourceVersion.
func (w *world) startProcess(behind uint64) {
	w.mu.Lock()
	w.started++
	p := &process{name: fmt.Sprintf("p%d", w.started), done: make(chan struct{})}
	p.session = w.server.Session(p.name)
	p.wire = &wire{world: w, process: p}
	p.wire.next, p.faults = w.faulty(p.session)
	ctx, cancel := context.WithCancel(w.ctx)
	p.ctx, p.cancel = ctx, cancel
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	w.trace.say(p.name, "starts")
	if behind > 0 {
		w.hold(p, behind)
	}
	go w.live(ctx, p)
}

// lives are the processes so far.
func (w *world) lives() []*process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.processes)
}

// faulty puts faults that a test asks for between a process and the server.
func (w *world) faulty(session *sim.Session) (http.RoundTripper, *fault.Injector) {
	injector, err := fault.New()
	if err != nil {
		w.fail("make an injector of faults: %v", err)
		return session, nil
	}
	next, err := rest.TransportFor(injector.Config(session.Config()))
	if err != nil {
		w.fail("put faults before the server: %v", err)
		return session, injector
	}
	return next, injector
}

// live is the life of a process.
func (w *world) live(ctx context.Context, p *process) {
	defer close(p.done)
	operator, err := w.suite.start(&Env{world: w, process: p})
	if err == nil && operator == nil {
		w.fail("Case.New returned no operator and no error")
		return
	}
	if err == nil {
		err = operator.Run(ctx)
	}
	if ctx.Err() != nil || w.isCrashed(p) {
		return
	}
	w.trace.add(entry{who: p.name, what: "ended by itself", result: fmt.Sprint(err)})
	w.mu.Lock()
	w.restarts++
	tooOften := w.restarts > maxRestarts
	w.mu.Unlock()
	if tooOften {
		w.fail("the operator has ended by itself %d times, the last time with: %v", maxRestarts+1, err)
		return
	}
	w.crash(p, 0)
}

func (w *world) isCrashed(p *process) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return p.crashed
}

// crash ends a process at this instant, and starts another one soon.
func (w *world) crash(p *process, behind uint64) {
	w.mu.Lock()
	was := p.crashed
	p.crashed = true
	hooks := p.onCrash
	w.mu.Unlock()
	if was {
		return
	}
	p.session.Sever()
	w.history.active()
	w.trace.say(p.name, "crashes")
	w.restarting.Go(func() {
		p.cancel()
		for _, f := range hooks {
			f()
		}
		select {
		case <-time.After(restartAfter):
			w.history.active() // before what it does
			w.startProcess(behind)
		case <-w.over:
		}
	})
}

// startAnother starts a second process beside the one that goes on.
func (w *world) startAnother() {
	w.history.active()
	w.restarting.Go(func() { w.startProcess(0) })
}

// depose ends all processes but the newest one.
func (w *world) depose() {
	w.mu.Lock()
	var deposed []*process
	for _, p := range w.processes[:len(w.processes)-1] {
		if !p.crashed {
			p.crashed = true
			deposed = append(deposed, p)
		}
	}
	w.mu.Unlock()
	for _, p := range deposed {
		p.session.Sever()
		p.cancel()
		w.trace.say(p.name, "notices that it has lost its lease, and ends")
	}
}

// holdBack stops a process's watches, of some kinds or of all: they show nothing that comes
// after now.
func (w *world) holdBack(p *process, only ...schema.GroupResource) {
	w.hold(p, w.server.RV(), only...)
}

func (w *world) hold(p *process, rv uint64, only ...schema.GroupResource) {
	w.mu.Lock()
	p.held = true
	w.heldSince = w.step
	w.mu.Unlock()
	for _, gr := range w.compared() {
		if len(only) == 0 || slices.Contains(only, gr) {
			p.session.Watches(gr.String()).ReleaseTo(rv)
		}
	}
}

// release shows held processes what they have missed. gone: their watches end before, so
// that they have to list.
func (w *world) release(gone bool) {
	w.history.active() // before what it does
	for _, p := range w.lives() {
		if !p.held {
			continue
		}
		for _, gr := range w.compared() {
			if gone {
				p.session.Watches(gr.String()).Gone()
			}
			p.session.Watches(gr.String()).Release()
		}
		w.mu.Lock()
		p.held = false
		w.mu.Unlock()
	}
	w.history.active()
}

// compared are the kinds that an operator works on.
func (w *world) compared() []schema.GroupResource {
	return slices.DeleteFunc(w.server.Resources(), func(gr schema.GroupResource) bool { return notCompared.Has(gr.String()) })
}

// stop ends all processes, and says which one does not end.
func (w *world) stop() {
	all := w.lives()
	close(w.over)
	for _, p := range all {
		p.cancel()
	}
	w.restarting.Wait()
	late := time.After(time.Minute)
	for _, p := range all {
		select {
		case <-p.done:
		case <-late:
			if !w.isCrashed(p) {
				w.fail("%s does not end: Run has not returned a minute after its ctx ended", p.name)
			}
			return
		}
	}
}
