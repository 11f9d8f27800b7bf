package attempt

import (
	"context"
	"sync"
	"time"
)

// lazy is the ctx of an attempt. Most attempts find that there is nothing to do and
// never ask for the end of their ctx: the timer and the entry in the parent, which
// are most of the cost of an attempt, are made when somebody asks for more than the
// deadline.
type lazy struct {
	a        *Attempt
	parent   context.Context //nolint:containedctx // it is a context
	deadline time.Time       // zero is none
	overrun  error           // the cause when the deadline passed

	mu     sync.Mutex
	ended  bool
	ctx    context.Context //nolint:containedctx // it is a context
	cancel context.CancelCauseFunc
	stop   context.CancelFunc // of the deadline
}

type ctxKey struct{}

// From returns the attempt that ctx carries, or nil.
func From(ctx context.Context) *Attempt {
	a, _ := ctx.Value(ctxKey{}).(*Attempt)
	return a
}

// Context returns the ctx of the attempt, which carries it.
func (a *Attempt) Context() context.Context { return &a.ctx }

// End cancels the ctx and releases what it holds.
func (a *Attempt) End() {
	a.ctx.mu.Lock()
	defer a.ctx.mu.Unlock()
	a.ctx.ended = true
	if a.ctx.ctx != nil {
		a.ctx.cancel(context.Canceled)
		a.ctx.stop()
	}
}

// Fail cancels the ctx with err as its cause, so that nothing can be written on
// behalf of the attempt any more. The first err is also what Failed returns.
func (a *Attempt) Fail(err error) {
	a.mu.Lock()
	if a.failed == nil {
		a.failed = err
	}
	a.mu.Unlock()
	a.ctx.full()
	a.ctx.cancel(err)
}

// Failed returns what was given to Fail, or nil.
func (a *Attempt) Failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// Deadline implements [context.Context].
func (l *lazy) Deadline() (time.Time, bool) {
	if parent, ok := l.parent.Deadline(); ok && (l.deadline.IsZero() || parent.Before(l.deadline)) {
		return parent, true
	}
	return l.deadline, !l.deadline.IsZero()
}

// Done implements [context.Context].
func (l *lazy) Done() <-chan struct{} { return l.full().Done() }

// Err implements [context.Context].
func (l *lazy) Err() error { return l.full().Err() }

// Value implements [context.Context]. Package context asks for the full ctx by a
// key of its own, so that it cannot be told from what others ask for.
func (l *lazy) Value(key any) any {
	if key == (ctxKey{}) {
		return l.a
	}
	return l.full().Value(key)
}

func (l *lazy) full() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		l.start()
	}
	return l.ctx
}

// start must be called with l.mu held.
func (l *lazy) start() {
	ctx, cancel := context.WithCancelCause(l.parent)
	l.cancel, l.stop = cancel, func() {}
	if !l.deadline.IsZero() {
		ctx, l.stop = context.WithDeadlineCause(ctx, l.deadline, l.overrun)
	}
	if l.ended {
		cancel(context.Canceled)
		l.stop()
	}
	l.ctx = ctx
}
