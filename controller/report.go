package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/pace"
	"github.com/kuberator/kuberator/internal/safelog"
	"github.com/kuberator/kuberator/kerr"
)

// What the library logs by itself is names, classes and the text of errors, which
// may hold what users wrote into objects: it is bounded and escaped. Objects are
// never logged.

// report logs the attempt, once.
func (c *Controller[T, C]) report(at *outcome) {
	message := "attempt succeeded"
	if at.Err != nil {
		message = "attempt failed"
	}
	if entry := c.opts.Logger.Check(at.level, message); entry != nil {
		entry.Write(append(at.names(), at.details()...)...)
	}
	if at.deleting > 0 {
		c.opts.Logger.Warn("deletion is blocked", append(at.names(), zap.Duration("deleting", at.deleting), zap.Bool("failed", at.Err != nil))...)
	}
}

// trouble reports what went wrong outside attempts: a watch that fails, an object that cannot
// be decoded, a filter or a mapping that panicked.
func (c *Controller[T, C]) trouble(err error) {
	t := c.troubleOf(err)
	var repeated bool
	var unsaid int
	if t.Op == kerr.OpDecode || t.Op == kerr.OpMap || t.Op == kerr.OpFilter { // which come with each event
		repeated, unsaid = c.said.Again(c.seed, string(t.Op)+" "+t.Key.String(), t.Err.Error(), time.Now())
	}
	if entry := c.opts.Logger.Check(levelOf(t.Err, repeated), t.message()); entry != nil {
		fields := append(names(t.Key, t.UID), zap.String("op", string(t.Op)), zap.String("kind", t.Kind.String()))
		if unsaid > 0 {
			fields = append(fields, zap.Int("sameBefore", unsaid))
		}
		entry.Write(append(fields, errorFields(t.Err)...)...)
	}
	if r := c.now(); r != nil && len(c.observers) > 0 {
		r.troubles.add(t)
	}
}

func (t Trouble) message() string {
	switch t.Op {
	case kerr.OpSync:
		return "watch failed"
	case kerr.OpDecode:
		return "object cannot be decoded"
	case kerr.OpMap:
		return "mapping failed"
	case kerr.OpFilter:
		return "filter failed"
	default:
		return string(t.Op) + " failed"
	}
}

// warnLoop reports, once per loop, that the object is in one.
func (c *Controller[T, C]) warnLoop(r *runState[T], why string, it *item, reasons []Reason) {
	message := "reconcile loop: slowed to 10 attempts per minute: " + why
	c.opts.Logger.Warn(message,
		append(names(it.Key, it.Record.uid), zap.Strings("reasons", texts(reasons, 0)), zap.Int("perMinute", pace.PerMinute))...)
	if len(c.observers) > 0 {
		r.troubles.add(c.troubleOf(kerr.New(kerr.OpReconcile, c.repo.Kind(), it.Key, it.Record.uid, errors.New(message))))
	}
}

// fewConflicts in a row are the ordinary course. More are two writers that do not agree.
const fewConflicts = 5

// itself reports whether what was not found is the object of the attempt: its deletion is on the
// way to the cache. Anything else that is missing stays so until it is created.
func (at *outcome) itself(kind schema.GroupKind) bool {
	e, ok := kerr.Request(at.Err)
	return ok && kerr.ClassOf(at.Err) == kerr.ClassNotFound && e.Op != kerr.OpApply && e.Op != kerr.OpCleanup &&
		e.Key == at.Key && e.Kind.GroupKind() == kind
}

// levelFor keeps quiet what the next attempt resolves by itself, and what was logged just now.
func (at *outcome) levelFor(kind schema.GroupKind, again func(text string) (repeated bool, unsaid int)) zapcore.Level {
	if at.Err == nil {
		return zapcore.DebugLevel
	}
	switch class := kerr.ClassOf(at.Err); {
	case at.itself(kind), class == kerr.ClassConflict && at.Failures < fewConflicts, class == kerr.ClassNotLeader:
		return zapcore.DebugLevel
	case at.cut && errors.Is(at.Err, context.Canceled):
		return zapcore.InfoLevel // Run reports that the grace period is over
	}
	var repeated bool
	repeated, at.unsaid = again(at.Err.Error())
	return levelOf(at.Err, repeated)
}

// levelOf is the level of an error by its class.
func levelOf(err error, repeated bool) zapcore.Level {
	if repeated {
		return zapcore.DebugLevel
	}
	switch kerr.ClassOf(err) {
	case kerr.ClassConflict:
		return zapcore.WarnLevel
	case kerr.ClassThrottled:
		return zapcore.InfoLevel
	case kerr.ClassNotLeader: // whoever leads does it
		return zapcore.DebugLevel
	default:
		return zapcore.ErrorLevel
	}
}

func (at *outcome) details() []zap.Field {
	fields := []zap.Field{
		zap.String("op", string(at.Op)),
		zap.Strings("reasons", texts(at.Reasons, at.MoreReasons)),
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

// texts are reasons for logs.
func texts(reasons []Reason, more int) []string {
	texts := make([]string, 0, len(reasons)+1)
	for _, reason := range reasons {
		texts = append(texts, kerr.Text(reason.String(), kerr.MaxLog))
	}
	if more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return texts
}

// names returns the log fields that name the object.
func (at *outcome) names() []zap.Field { return names(at.Key, at.UID) }

func names(key types.NamespacedName, uid types.UID) []zap.Field {
	return []zap.Field{
		zap.String("namespace", kerr.Text(key.Namespace, kerr.MaxLog)),
		zap.String("name", kerr.Text(key.Name, kerr.MaxLog)),
		zap.String("uid", kerr.Text(string(uid), kerr.MaxLog)),
	}
}

func errorFields(err error) []zap.Field {
	fields := []zap.Field{
		zap.String("class", kerr.ClassOf(err).String()),
		safelog.Error(err),
	}
	if p, ok := errors.AsType[*kerr.PanicError](err); ok {
		fields = append(fields, zap.String("stack", kerr.Text(p.Stack, 8<<10)))
	}
	return fields
}
