// Package fence carries, through ctx, until when this process may write: the end of the lease that
// the work is done under. Whoever sends a request that changes something asks it right before.
package fence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kuberator/kuberator/kerr"
)

// Fence is open from the first renewal of a lease, and for a time after each, counted from when
// the renewal was sent: whoever takes the lease next counts from later. It closes once, for good.
//
// Its timer alone would not do: after a pause of the process it runs late, beside the request
// that was about to be sent. Hence [Fence.Check] compares the time, by the monotonic clock.
type Fence struct {
	lease string
	lasts time.Duration

	mu    sync.Mutex
	until time.Time       // zero before the first renewal
	timer *time.Timer     // nil before the first renewal
	over  context.Context //nolint:containedctx // it is what ends
	end   context.CancelCauseFunc
}

// New returns a fence that is not open yet. The lease is for the text of errors.
func New(lease string, lasts time.Duration) *Fence {
	f := &Fence{lease: lease, lasts: lasts}
	f.over, f.end = context.WithCancelCause(context.Background()) //nolint:forbidigo // it ends by Close alone
	return f
}

// Renew keeps the fence open since a renewal, sent at that time, succeeded. A fence that is closed
// stays closed.
func (f *Fence) Renew(sent time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := sent.Add(f.lasts)
	if !until.After(f.until) {
		return
	}
	f.until = until
	if f.timer == nil {
		f.timer = time.AfterFunc(time.Until(until), func() { _ = f.Check() }) // which closes it
	} else {
		f.timer.Reset(time.Until(until))
	}
}

// Close closes the fence for a reason. The first one counts.
func (f *Fence) Close(reason error) {
	f.mu.Lock()
	if f.timer != nil {
		f.timer.Stop()
	}
	f.mu.Unlock()
	f.end(kerr.Mark(kerr.ClassNotLeader, fmt.Errorf("lease %s: %w", f.lease, reason)))
}

// Check returns nil if a request may be sent now, and else an error of class NotLeader that says
// why not.
func (f *Fence) Check() error {
	if f.over.Err() != nil {
		return context.Cause(f.over)
	}
	until := f.Until()
	switch {
	case until.IsZero():
		return kerr.Mark(kerr.ClassNotLeader, fmt.Errorf("lease %s: this process does not hold it yet", f.lease))
	case time.Now().Before(until):
		return nil
	}
	f.Close(fmt.Errorf("it has not been renewed for %s", f.lasts))
	return context.Cause(f.over)
}

// Until returns when the fence closes unless the lease is renewed; it is zero before the first
// renewal.
func (f *Fence) Until() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.until
}

// Lost returns why the fence was closed, or nil.
func (f *Fence) Lost() error { return context.Cause(f.over) }

// OnClose calls cancel with the reason when the fence is closed, until stop is called.
func (f *Fence) OnClose(cancel context.CancelCauseFunc) (stop func()) {
	unregister := context.AfterFunc(f.over, func() { cancel(f.Lost()) })
	return func() { unregister() }
}

// ErrReleased is the reason of a fence that is closed since the work is done.
var ErrReleased = errors.New("the work under it has ended")

type key struct{}

// With returns a ctx that carries the fence.
func With(ctx context.Context, f *Fence) context.Context { return context.WithValue(ctx, key{}, f) }

// From returns the fence that ctx carries, or nil.
func From(ctx context.Context) *Fence {
	f, _ := ctx.Value(key{}).(*Fence)
	return f
}

// Check is [Fence.Check] of the fence in ctx. Without one everything may be sent.
func Check(ctx context.Context) error {
	if f := From(ctx); f != nil {
		return f.Check()
	}
	return nil
}

// OnClose is [Fence.OnClose] of the fence in ctx, if there is one.
func OnClose(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	if f := From(ctx); f != nil {
		return f.OnClose(cancel)
	}
	return func() {}
}

// refusal is the error of a request that was not sent.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// Refused reports whether err says that a request was not sent. Beside that, the reason why a fence
// was closed is also the cause for the end of requests that were on their way.
func Refused(err error) bool {
	_, ok := errors.AsType[*refusal](err)
	return ok
}

// Enter is [Check], and returns the ctx of the request: it ends with the fence, also where ctx
// was made not to end. leave must be called after the request.
func Enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	f := From(ctx)
	if f == nil {
		return ctx, func() {}, nil
	}
	return f.Enter(ctx)
}

// Enter is the function [Enter] with this fence.
func (f *Fence) Enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	if err := f.Check(); err != nil {
		return ctx, func() {}, &refusal{err}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := f.OnClose(cancel)
	return ctx, func() { stop(); cancel(nil) }, nil
}
