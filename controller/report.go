package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/kerr"
)

// What the library logs by itself is names, classes and the text of errors, which
// may hold what users wrote into objects: it is bounded and escaped. Objects are
// never logged.

// report logs the attempt, once, and tells Options.OnAttempt.
func (c *Controller[T, C]) report(at *Attempt) {
	c.log(at)
	c.tell(*at)
}

func (c *Controller[T, C]) log(at *Attempt) {
	if entry := c.opts.Logger.Check(level(at), message(at)); entry != nil {
		entry.Write(append(at.names(), c.details(at)...)...)
	}
	if at.deleting > c.opts.SlowDeletion {
		c.opts.Logger.Warn("the deletion is blocked", append(at.names(), zap.Duration("deleting", at.deleting), zap.Bool("cleanupFailed", at.Err != nil))...)
	}
}

// trouble reports what is no attempt: a watch that fails, an object that cannot be
// decoded, a filter or a mapping that panicked.
func (c *Controller[T, C]) trouble(err error) {
	at := Attempt{Controller: c.opts.Name, Op: kerr.OpSync, Err: err, Start: time.Now(), Next: -1}
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		at.Key, at.UID, at.Op = e.Key, e.UID, e.Op
	} else {
		at.Err = kerr.New(kerr.OpSync, c.repo.Kind(), at.Key, "", err)
	}
	if at.Op == kerr.OpDecode || at.Op == kerr.OpMap || at.Op == kerr.OpFilter { // which come with each event
		at.repeated, at.unsaid = c.said.again(c.seed, string(at.Op)+" "+at.Key.String(), at.Err.Error(), at.Start)
	}
	c.log(&at)
	if r := c.now(); r != nil {
		r.troubles.add(at)
	}
}

// warnLoop reports, once per loop, that the object is in one.
func (c *Controller[T, C]) warnLoop(message string, key types.NamespacedName, uid types.UID, reasons []Reason) {
	at := &Attempt{Key: key, UID: uid, Reasons: reasons}
	c.opts.Logger.Warn(message,
		append(at.names(), zap.Strings("reasons", at.reasons()), zap.Int("perMinute", loopPerMinute))...)
}

// tell calls OnAttempt, which must not take a worker down.
func (c *Controller[T, C]) tell(at Attempt) {
	var panicked error
	func() {
		defer recovered(&panicked)
		c.opts.OnAttempt(at)
	}()
	if panicked != nil {
		c.opts.Logger.Error("Options.OnAttempt panicked", append(at.names(), errorFields(panicked)...)...)
	}
}

func message(at *Attempt) string {
	if at.Err != nil {
		return "attempt failed"
	}
	return "attempt succeeded"
}

// fewConflicts in a row are the ordinary course. More are two writers that do not agree.
const fewConflicts = 5

// itself reports whether what was not found is the object of the attempt: its deletion is on
// the way to the cache. Anything else that is missing stays so until somebody makes it.
func (at *Attempt) itself() bool {
	e, ok := kerr.Request(at.Err)
	return ok && e.Op != kerr.OpApply && e.Op != kerr.OpCleanup && e.Key == at.Key && e.Kind.GroupKind() == at.kind
}

// level keeps quiet what the next attempt resolves by itself, and what was said just now.
func level(at *Attempt) zapcore.Level {
	if at.Err == nil || at.repeated {
		return zapcore.DebugLevel
	}
	if at.cut && errors.Is(at.Err, context.Canceled) {
		return zapcore.InfoLevel // Run reports that the grace period is over
	}
	switch kerr.ClassOf(at.Err) {
	case kerr.ClassConflict:
		if at.Failures < fewConflicts {
			return zapcore.DebugLevel
		}
		return zapcore.WarnLevel
	case kerr.ClassNotFound:
		if at.itself() {
			return zapcore.DebugLevel
		}
		return zapcore.ErrorLevel
	case kerr.ClassThrottled:
		return zapcore.InfoLevel
	default:
		return zapcore.ErrorLevel
	}
}

func (c *Controller[T, C]) details(at *Attempt) []zap.Field {
	fields := []zap.Field{
		zap.String("op", string(at.Op)),
		zap.Strings("reasons", at.reasons()),
		zap.Duration("duration", at.Duration),
		zap.Int("writes", at.Writes),
	}
	if at.SelfTriggered {
		fields = append(fields, zap.Bool("selfTriggered", true))
	}
	if at.Next >= 0 {
		fields = append(fields, zap.Duration("next", at.Next))
	}
	if at.Err != nil {
		fields = append(fields, zap.Int("failures", at.Failures))
		if at.unsaid > 0 {
			fields = append(fields, zap.Int("sameBefore", at.unsaid))
		}
		fields = append(fields, errorFields(at.Err)...)
	}
	return fields
}

// reasons are for logs.
func (at *Attempt) reasons() []string {
	reasons := make([]string, 0, len(at.Reasons)+1)
	for _, reason := range at.Reasons {
		reasons = append(reasons, kerr.Text(reason.String(), kerr.MaxLog))
	}
	if at.MoreReasons > 0 {
		reasons = append(reasons, fmt.Sprintf("and %d more", at.MoreReasons))
	}
	return reasons
}

func errorFields(err error) []zap.Field {
	fields := []zap.Field{
		zap.String("class", kerr.ClassOf(err).String()),
		zap.String("error", kerr.Text(err.Error(), kerr.MaxLog)),
	}
	if p, ok := errors.AsType[*kerr.PanicError](err); ok {
		fields = append(fields, zap.String("stack", kerr.Text(p.Stack, 8<<10)))
	}
	return fields
}
