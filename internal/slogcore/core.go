// Package slogcore lets a zap logger write to a slog.Handler, for programs that log with
// log/slog or, through logr.ToSlogHandler, with logr. The other direction is package zapslog
// of go.uber.org/zap/exp.
package slogcore

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"go.uber.org/zap/zapcore"
)

// New returns a core that writes to h. It is as safe for concurrent use as h is.
func New(h slog.Handler) zapcore.Core { return core{h} }

type core struct{ handler slog.Handler }

// noCtx is given to the handler: entries of zap have no ctx.
var noCtx = context.Background() //nolint:forbidigo,gochecknoglobals // see above

// Enabled implements [zapcore.LevelEnabler].
func (c core) Enabled(level zapcore.Level) bool { return c.handler.Enabled(noCtx, levelOf(level)) }

// With implements [zapcore.Core].
func (c core) With(fields []zapcore.Field) zapcore.Core {
	h := c.handler
	for i, f := range fields {
		if f.Type == zapcore.NamespaceType {
			return core{h.WithGroup(f.Key)}.With(fields[i+1:])
		}
		h = h.WithAttrs(attrs(f))
	}
	return core{h}
}

// Check implements [zapcore.Core].
func (c core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements [zapcore.Core].
func (c core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	record := slog.NewRecord(entry.Time, levelOf(entry.Level), entry.Message, entry.Caller.PC)
	if entry.LoggerName != "" {
		record.AddAttrs(slog.String("logger", entry.LoggerName))
	}
	record.AddAttrs(all(fields)...)
	if entry.Stack != "" {
		record.AddAttrs(slog.String("stacktrace", entry.Stack))
	}
	return c.handler.Handle(noCtx, record)
}

// Sync implements [zapcore.Core]. A slog handler has no method to flush.
func (core) Sync() error { return nil }

func levelOf(level zapcore.Level) slog.Level {
	switch {
	case level < zapcore.InfoLevel:
		return slog.LevelDebug
	case level < zapcore.WarnLevel:
		return slog.LevelInfo
	case level < zapcore.ErrorLevel:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

// all returns fields as attributes, in their order. What follows a namespace is a group.
func all(fields []zapcore.Field) []slog.Attr {
	found := make([]slog.Attr, 0, len(fields))
	for i, f := range fields {
		if f.Type == zapcore.NamespaceType {
			return append(found, slog.Attr{Key: f.Key, Value: slog.GroupValue(all(fields[i+1:])...)})
		}
		found = append(found, attrs(f)...)
	}
	return found
}

// attrs returns one field as attributes: an error can be several, of which one is the error itself, so that
// handlers find its cause.
func attrs(f zapcore.Field) []slog.Attr {
	enc := zapcore.NewMapObjectEncoder()
	f.AddTo(enc)
	if _, told := enc.Fields[f.Key]; told && f.Type == zapcore.ErrorType {
		enc.Fields[f.Key] = f.Interface
	}
	found := make([]slog.Attr, 0, len(enc.Fields))
	for _, key := range slices.Sorted(maps.Keys(enc.Fields)) {
		found = append(found, slog.Any(key, enc.Fields[key]))
	}
	return found
}
