// Package safelog makes the loggers of the library, which contain what a user's logger may do.
package safelog

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/kuberator/kuberator/internal/slogcore"
	"github.com/kuberator/kuberator/kerr"
)

// New returns the logger that a user gives, as one or the other, or the standard one if neither is set. It
// is contained.
func New(logger *zap.Logger, slogger *slog.Logger) (*zap.Logger, error) {
	switch {
	case logger != nil && slogger != nil:
		return nil, errors.New("options: Logger and Slog are both set")
	case slogger != nil:
		logger = zap.New(slogcore.New(slogger.Handler()))
	case logger == nil:
		var err error
		if logger, err = standard(); err != nil {
			return nil, err
		}
	}
	return contained(logger), nil
}

// Error is the field of a record that an error is in. Its text is bounded, and in one line; a core that
// looks for a cause, with errors.Is or errors.As, finds it. There is none without an error.
func Error(err error) zap.Field {
	if err == nil {
		return zap.Skip()
	}
	return zap.Error(boundedError{kerr.Text(err.Error(), kerr.MaxLog), err})
}

// boundedError is an error with another text. It hides methods of the error that zap would ask for more
// text, which nobody bounds.
type boundedError struct {
	text  string
	cause error
}

func (e boundedError) Error() string { return e.text }

func (e boundedError) Unwrap() error { return e.cause }

// standard is zap's production logger for warnings and errors, without sampling, which would hide errors
// exactly when there are many, and without stack traces of our own frames.
func standard() (*zap.Logger, error) {
	cfg := zap.NewProductionConfig()
	cfg.Level.SetLevel(zap.WarnLevel)
	cfg.Sampling = nil
	cfg.DisableStacktrace = true
	cfg.DisableCaller = true
	return cfg.Build()
}

// contained returns a logger whose encoders and sinks, which may be code of others, cannot end
// the process: what makes them panic is written to standard error instead.
func contained(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return safeCore{core} }))
}

type safeCore struct{ zapcore.Core }

func (c safeCore) With(fields []zapcore.Field) (with zapcore.Core) {
	with = c
	defer func() {
		if value := recover(); value != nil {
			fmt.Fprintln(os.Stderr, "the logger panicked:", kerr.Recovered(value))
		}
	}()
	return safeCore{c.Core.With(fields)}
}

// Check leaves to Write which of several cores want the entry.
func (c safeCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

func (c safeCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	defer func() {
		if value := recover(); value != nil {
			fmt.Fprintf(os.Stderr, "the logger panicked: %v; it was to log: %s: %s\n", kerr.Recovered(value), entry.Level, kerr.Text(entry.Message, kerr.MaxLog))
		}
	}()
	if checked := c.Core.Check(entry, nil); checked != nil {
		checked.Write(fields...)
	}
	return nil
}
