package controller

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/safelog"
	"github.com/kuberator/kuberator/kerr"
)

// Logger returns the logger of the attempt that ctx belongs to, for Apply, Cleanup and the
// functions that they call. It is Options.Logger, or a zap logger that writes to Options.Slog,
// with the fields controller, namespace, name and uid. Outside an attempt it is [zap.L].
//
// Each call makes a new logger: keep it in a variable where it is used often.
func Logger(ctx context.Context) *zap.Logger {
	if l, ok := logging(ctx); ok {
		return l.zapLogger()
	}
	return zap.L()
}

// Slog is [Logger] for programs that log with log/slog: Options.Slog, or a slog logger that
// writes to Options.Logger. Outside an attempt it is [slog.Default]. For logr there is
// logr.FromSlogHandler:
//
//	log := logr.FromSlogHandler(controller.Slog(ctx).Handler())
func Slog(ctx context.Context) *slog.Logger {
	if l, ok := logging(ctx); ok {
		return l.slogLogger()
	}
	return slog.Default()
}

// logs is an attempt of any type.
type logs interface {
	zapLogger() *zap.Logger
	slogLogger() *slog.Logger
}

func logging(ctx context.Context) (l logs, ok bool) {
	if a := journal.From(ctx); a != nil {
		l, ok = a.Recorder.(logs)
	}
	return l, ok
}

func (t *reconciliation[T, C]) zapLogger() *zap.Logger {
	return t.c.opts.Logger.With(names(t.at.Key, t.journal.Worked().UID)...)
}

func (t *reconciliation[T, C]) slogLogger() *slog.Logger {
	if t.c.opts.Slog == nil {
		return slog.New(zapslog.NewHandler(t.zapLogger().Core()))
	}
	text := func(s string) string { return kerr.Text(s, kerr.MaxLog) }
	return t.c.opts.Slog.With("controller", t.c.opts.Name,
		"namespace", text(t.at.Key.Namespace), "name", text(t.at.Key.Name), "uid", text(string(t.journal.Worked().UID)))
}

// withLogger sets the logger that the controller itself uses.
func (o *Options) withLogger() error {
	logger, err := safelog.New(o.Logger, o.Slog)
	if err != nil {
		return err
	}
	o.Logger = logger.With(zap.String("controller", o.Name))
	return nil
}
