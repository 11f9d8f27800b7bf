package explore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/fault"
)

// Env is the environment of a process: what Case.New gets.
type Env struct {
	world   *world
	process *process
}

// Config returns a configuration for clients of the API server. Its connections end when the
// process crashes or the run ends.
func (e *Env) Config() *rest.Config {
	cfg := e.process.session.Config()
	cfg.Transport = e.process.wire
	return cfg
}

// Scheme returns Case.Scheme, or client-go's if that is nil.
func (e *Env) Scheme() *runtime.Scheme { return e.world.suite.scheme }

// Mapping returns the resource of the first of some kinds that is in Case.Kinds, and whether it has
// namespaces. It is an error if none is.
func (e *Env) Mapping(kinds ...schema.GroupVersionKind) (resource schema.GroupVersionResource, namespaced bool, err error) {
	var errs []error
	for _, kind := range kinds {
		gvr, namespaced, err := e.world.mapping(kind)
		if err == nil {
			return gvr, namespaced, nil
		}
		errs = append(errs, err)
	}
	return schema.GroupVersionResource{}, false, errors.Join(errs...)
}

// Logger returns a logger that writes into the trace of the run, from the level warning on, until the
// process crashes or the run ends.
func (e *Env) Logger() *zap.Logger {
	return zap.New(traceCore{trace: e.world.trace, who: e.process.name, over: e.over})
}

// over reports whether the process has crashed, or the run has ended.
func (e *Env) over() bool {
	select {
	case <-e.world.over:
		return true
	default:
		return e.world.isCrashed(e.process)
	}
}

// Name returns the name of the process: "p1" is the first one of a run.
func (e *Env) Name() string { return e.process.name }

// Faults takes rules for this process's requests, beside what the plans do:
//
//	env.Faults().Add(fault.On("create", "secrets").Nth(1).Then(fault.CommitThenEOF()))
//
// They apply in every run, also in those without faults of a plan.
func (e *Env) Faults() *fault.Injector { return e.process.faults }

// OnCrash registers what else ends when this process crashes: a file or a connection that
// it holds in memory, which the crash of a real process would close.
func (e *Env) OnCrash(f func()) { e.process.onCrash = append(e.process.onCrash, f) }

// External returns this process's connection to a system of Case.External.
func (e *Env) External(name string) *Link {
	system, ok := e.world.external[name]
	if !ok {
		e.world.fail("process %s asks for the external system %q, and Case.External has %v", e.process.name, name, slices.Sorted(maps.Keys(e.world.external)))
	}
	return &Link{name: name, system: system, process: e.process, world: e.world}
}

// External is a system outside of the cluster that an operator changes: in a test, a fake.
type External interface {
	// Snapshot returns what is there, as something that can be encoded in JSON. It is
	// compared between runs.
	Snapshot() any
}

// Link is the connection of a process to an external system, which ends with a crash.
type Link struct {
	name    string
	system  External
	process *process
	world   *world
}

// System returns the system itself, for reading.
func (l *Link) System() External { return l.system }

// Call changes the system with f. It counts as a write of the operator, and what can happen
// to a write can happen to it: that f is not called, or that its result does not come back.
// op and key say in reports what it is; key is the namespace/name of the object of T that it
// is done for, which invariants look at.
func (l *Link) Call(ctx context.Context, op, key string, f func() error) error {
	w := effect{system: l.name, op: op, key: key}
	err := l.process.wire.carry(ctx, w, func() (code int, err error) {
		l.world.effect(l.process, w)
		return 0, f()
	})
	if rejected := (*rejection)(nil); errors.As(err, &rejected) {
		return fmt.Errorf("explore: %s refuses to %s %s", l.name, op, key)
	}
	return err
}

// effect is a write to an external system.
type effect struct{ system, op, key string }

func (e effect) String() string { return fmt.Sprintf("%s: %s %s", e.system, e.op, e.key) }
