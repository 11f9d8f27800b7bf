package contender

import (
	"slices"

	"github.com/go-logr/logr"
)

// lazy keeps the values of a logger until something is logged. controller-runtime makes a logger with values for each
// reconcile, and zap encodes them at once.
type lazy struct {
	logr.LogSink

	values []any
}

func (s lazy) with(values []any) []any { return append(slices.Clip(s.values), values...) }

func (s lazy) WithValues(values ...any) logr.LogSink { return lazy{s.LogSink, s.with(values)} }

func (s lazy) WithName(name string) logr.LogSink { return lazy{s.LogSink.WithName(name), s.values} }

func (s lazy) Info(level int, message string, values ...any) {
	s.LogSink.Info(level, message, s.with(values)...)
}

func (s lazy) Error(err error, message string, values ...any) {
	s.LogSink.Error(err, message, s.with(values)...)
}
