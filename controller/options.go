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

// Options change how a controller runs. nil and the zero value mean the defaults.
type Options struct {
	// Name appears in logs and errors. The default is the kind in lower case.
	Name string
	// Workers is how many objects are worked on at the same time. The default is 4: an
	// Apply that hangs keeps its worker for Timeout, and must not stop everything; an Apply
	// mostly waits for the API server, to which four clients are nothing. It is the number to raise for
	// many objects. With 1, no two calls of Apply and Cleanup are under way at once.
	Workers int
	// Informer limits which objects are watched. It must be empty for [NewFor].
	Informer informer.Options
	// Timeout is the deadline of one attempt, from its snapshot to the end of
	// Apply or Cleanup. The default is 5 minutes: longer than any sequence of
	// requests that makes progress, short enough that a hanging one is noticed.
	// Negative means none.
	Timeout time.Duration
	// StaleWait is how long an attempt waits for the caches to show what earlier
	// attempts for the same object wrote. After that it reads from the server what
	// they do not show. The default is 10 s: a watch that works takes milliseconds,
	// and one that does not is no reason to stop. Negative means no waiting.
	StaleWait time.Duration
	// MinBackoff and MaxBackoff bound the wait after a failure. It doubles with
	// each failure in a row. The defaults are 100 ms, which a conflict does not
	// notice and a loop of failures does, and 5 minutes, after which somebody who
	// repaired something still waits for the result.
	MinBackoff, MaxBackoff time.Duration
	// Grace is how long Run waits for running attempts after its ctx ended, before
	// it cancels theirs. The default is 20 s: with what comes after it, that fits
	// the 30 s that Kubernetes gives a Pod to terminate.
	Grace time.Duration
	// SlowDeletion is how long an object may be in deletion before each failing
	// Cleanup of it is logged as a warning that deletion is blocked. The
	// default is 10 minutes.
	SlowDeletion time.Duration
	// BypassTimeout is how long Cleanup is tried again for an object that is gone without it,
	// because its finalizer was removed by force or ignored by the API server, see
	// [Bypassed]. It is known to this process alone. The default is 10 minutes. Negative means
	// that it is reported only.
	BypassTimeout time.Duration
	// SweepInterval is how often a [Sweeper] is called, give or take a fifth, after the call
	// when Run starts. The default is 6 hours: what it looks for is rare, and to look may cost
	// many requests to other systems. Negative means never.
	SweepInterval time.Duration
	// AllowSkipCleanup lets who may annotate an object with
	// "kuberator.dev/skip-cleanup: true" have it deleted without Cleanup. Each use
	// is logged. The default is no: what Cleanup would have undone stays behind.
	AllowSkipCleanup bool
	// Logger receives one record per attempt (errors at error level, successes at debug level)
	// and warnings about blocked deletions, skipped cleanups, stuck attempts and reconcile
	// loops. If it and Slog are nil, errors and warnings go to standard error as JSON. Apply and
	// Cleanup get it, with the object's names, by the function [Logger].
	Logger *zap.Logger
	// Slog takes the place of Logger for programs that log with log/slog, or with logr:
	// slog.New(logr.ToSlogHandler(l)). Only one of the two may be set.
	Slog *slog.Logger
	// Observer is called before and after each attempt, and with trouble outside of attempts,
	// for metrics, traces and tests. nil is none. [Observers] makes one of several.
	Observer Observer
}

// abandonAfter is how long Run waits for attempts whose ctx it cancelled. User code
// that does not return by then ignores its ctx.
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
	if isNil(opts.Observer) {
		opts.Observer = nil
	}
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
