package controller

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/kuberator/kuberator/informer"
)

// Options change how a controller runs. A nil *Options and zero values mean the defaults.
type Options struct {
	// Name appears in logs and errors. The default is the kind in lower case.
	Name string
	// Workers is how many objects are reconciled at the same time. The default is 4: Apply mostly
	// waits for the API server, for which four clients are little load, and one Apply that hangs
	// until Timeout must not stop all others. Raise it for many objects. With 1, no two calls of
	// Apply and Cleanup run at the same time.
	Workers int
	// Informer limits which objects are watched. It must be empty for [NewFor].
	Informer informer.Options
	// Timeout is the deadline of one attempt, from its start, before the object is read, to the
	// end of Apply or Cleanup. The default is 5 minutes: longer than any sequence of requests
	// that makes progress, short enough that a hanging one is noticed. Negative means no
	// deadline.
	Timeout time.Duration
	// StaleWait is how long the next attempt for an object waits for the caches to show what
	// earlier attempts for the object wrote. It is counted from the write; no worker is blocked
	// meanwhile. Then the attempt starts, and its reads of those objects go to the API server.
	// The default is 10 s: a watch that works takes milliseconds, and a watch that does not work
	// must not stop the object. Negative means: do not wait, read from the API server at once.
	StaleWait time.Duration
	// MinBackoff and MaxBackoff are the shortest and the longest wait after a failure. The wait
	// doubles with each consecutive failure, and is shortened at random by up to a fifth. The
	// default of MinBackoff is 100 ms: enough to slow a series of failures, and little for a
	// conflict. The default of MaxBackoff is 5 minutes, or MinBackoff if that is longer: a person
	// who has repaired something can still wait that long for the result.
	MinBackoff, MaxBackoff time.Duration
	// Grace is how long Run lets running attempts finish after its ctx has ended. Then their ctx
	// is cancelled, and they have 5 more seconds to return. The default is 20 s: with these 5 s
	// it fits into the 30 s that Kubernetes gives a Pod to terminate.
	Grace time.Duration
	// SlowDeletion is how long an object that carries the finalizer may be in deletion before each
	// attempt that does not remove it, since Cleanup or a request fails or Cleanup is not finished,
	// is logged as a warning that the deletion is blocked. The default is 10 minutes.
	SlowDeletion time.Duration
	// BypassTimeout is how long Cleanup is retried for an object that is gone without it, because
	// its finalizer was removed by force or ignored by the API server, see [Bypassed]. The object
	// is then known to this process only. The default is 10 minutes. Negative means that Cleanup
	// is not called, and a warning is logged.
	BypassTimeout time.Duration
	// SweepInterval is the interval, ±20 %, at which a [Sweeper] is called after the first call,
	// which is made when Run starts. The default is 6 hours: what it looks for is rare, and
	// looking for it may cost many requests to other systems. Negative means that it is never
	// called.
	SweepInterval time.Duration
	// AllowSkipCleanup has an object deleted without Cleanup if its annotation
	// "kuberator.dev/skip-cleanup" is "true": whoever may set that can skip the Cleanup. Each use
	// is logged. The default is false, because what Cleanup would have removed remains.
	AllowSkipCleanup bool
	// NoStatus says that Apply and Cleanup never write the status of the objects, for instance since they are of
	// a kind of somebody else: RequiredRules then does not ask for the right to. The default is false.
	NoStatus bool
	// Logger receives one record per attempt (errors at error level, successes at debug level)
	// and warnings about blocked deletions, skipped cleanups, stuck attempts and reconcile loops.
	// If it and Slog are nil, errors and warnings go to standard error as JSON. The function
	// [Logger] gives it to Apply and Cleanup, with the names of the object.
	Logger *zap.Logger
	// Slog takes the place of Logger for programs that log with log/slog, or with logr:
	// slog.New(logr.ToSlogHandler(l)). Only one of the two may be set.
	Slog *slog.Logger
	// Observer is called before and after each attempt, and with trouble outside of attempts, for
	// metrics, traces and tests. nil means none. [Observers] combines several into one.
	Observer Observer
}

// abandonAfter is how long Run waits for attempts whose ctx it cancelled. User code that has not
// returned by then ignores its ctx.
const abandonAfter = 5 * time.Second

func (o *Options) withDefaults(kind string) (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.Name = cmp.Or(opts.Name, strings.ToLower(kind))
	opts.Workers = cmp.Or(opts.Workers, 4)
	opts.Timeout = cmp.Or(opts.Timeout, 5*time.Minute)
	opts.StaleWait = cmp.Or(opts.StaleWait, 10*time.Second)
	opts.MinBackoff = cmp.Or(opts.MinBackoff, 100*time.Millisecond)
	opts.MaxBackoff = cmp.Or(opts.MaxBackoff, max(5*time.Minute, opts.MinBackoff))
	opts.Grace = cmp.Or(opts.Grace, 20*time.Second)
	opts.BypassTimeout = cmp.Or(opts.BypassTimeout, 10*time.Minute)
	opts.SweepInterval = cmp.Or(opts.SweepInterval, 6*time.Hour)
	opts.SlowDeletion = cmp.Or(opts.SlowDeletion, 10*time.Minute)
	if err := opts.validate(); err != nil {
		return opts, err
	}
	return opts, opts.withLogger()
}

func (o Options) validate() error {
	switch {
	case o.Workers < 0:
		return fmt.Errorf("options: Workers is %d, it must not be negative", o.Workers)
	case o.MinBackoff < 0 || o.MaxBackoff < o.MinBackoff:
		return fmt.Errorf("options: MinBackoff %s and MaxBackoff %s must be positive and in this order", o.MinBackoff, o.MaxBackoff)
	case o.Grace < 0 || o.SlowDeletion < 0:
		return errors.New("options: Grace and SlowDeletion must not be negative")
	}
	return nil
}
