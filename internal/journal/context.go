package journal

import (
	"context"
	"fmt"
	"time"
)

// lazyContext is a Journal as the ctx of its attempt. Most attempts find that there is nothing to do and never
// ask for the end of their ctx: the timer and the entry in the parent, which are most of the cost
// of an attempt, are made when more than the deadline is asked for.
type lazyContext Journal

// fullContext is a ctx that can end.
type fullContext struct {
	context.Context //nolint:containedctx // it is a context

	cancel context.CancelCauseFunc
	stop   context.CancelFunc // of the deadline
}

type ctxKey struct{}

// From returns the journal that ctx carries, or nil.
func From(ctx context.Context) *Journal {
	j, _ := ctx.Value(ctxKey{}).(*Journal)
	return j
}

// Format implements [fmt.Formatter]: whoever prints a ctx must not print objects that the journal knows.
func (l *lazyContext) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "attempt(%s %s)", l.Kind.Kind, l.Key)
}

// Context returns the ctx of the attempt, which carries it.
func (j *Journal) Context() context.Context { return (*lazyContext)(j) }

// End cancels the ctx and releases what it holds.
func (j *Journal) End() {
	j.ctxMu.Lock()
	defer j.ctxMu.Unlock()
	j.ended = true
	if j.made != nil {
		j.made.end()
	}
}

// Fail cancels the ctx with err as its cause, so that nothing can be written on
// behalf of the attempt any more. The first err is also what Failed returns.
func (j *Journal) Fail(err error) {
	j.mu.Lock()
	if d := j.doing(); d.failed == nil {
		d.failed = err
	}
	j.mu.Unlock()
	(*lazyContext)(j).full().cancel(err)
}

// Failed returns what was given to Fail, or nil.
func (j *Journal) Failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done().failed
}

// Deadline implements [context.Context].
func (l *lazyContext) Deadline() (time.Time, bool) {
	if parent, ok := l.parent.Deadline(); ok && (l.deadline.IsZero() || parent.Before(l.deadline)) {
		return parent, true
	}
	return l.deadline, !l.deadline.IsZero()
}

// Done implements [context.Context].
func (l *lazyContext) Done() <-chan struct{} { return l.full().Done() }

// Err implements [context.Context].
func (l *lazyContext) Err() error { return l.full().Err() }

// Value implements [context.Context]. Package context asks for the full ctx by a
// key of its own, so that it cannot be told from what others ask for.
func (l *lazyContext) Value(key any) any {
	if key == (ctxKey{}) {
		return (*Journal)(l)
	}
	return l.full().Value(key)
}

func (l *lazyContext) full() *fullContext {
	l.ctxMu.Lock()
	defer l.ctxMu.Unlock()
	if l.made == nil {
		l.made = l.start()
		if l.ended {
			l.made.end()
		}
	}
	return l.made
}

func (l *lazyContext) start() *fullContext {
	ctx, cancel := context.WithCancelCause(l.parent)
	if l.deadline.IsZero() {
		return &fullContext{ctx, cancel, func() {}}
	}
	ctx, stop := context.WithDeadlineCause(ctx, l.deadline, l.Overrun)
	return &fullContext{ctx, cancel, stop}
}

func (m *fullContext) end() {
	m.cancel(context.Canceled)
	m.stop()
}
