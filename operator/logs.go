package operator

import (
	"context"
	"log/slog"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"

	"github.com/kuberator/kuberator/internal/slogcore"
)

// logger returns the logger that the flags ask for. It writes to standard error. No record is sampled: that
// would hide errors exactly when there are many.
func (s *settings) logger() *zap.Logger {
	sink := zapcore.Lock(os.Stderr)
	if s.logFormat == "text" {
		// slog's text quotes what has line breaks or control characters in it, which zap's does not.
		handler := slog.NewTextHandler(sink, &slog.HandlerOptions{Level: slogLevel(s.level)})
		return zap.New(slogcore.New(handler))
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey, encoding.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding), sink, s.level))
}

func slogLevel(level zapcore.Level) slog.Level { return slog.Level(4 * int(level)) }

// ownProcess makes the logger that of klog and of package slog, and so of package log.
func (p *Process) ownProcess() {
	klog.SetSlogLogger(slog.New(coarse{p.Slog.Handler()}))
	slog.SetDefault(p.Slog)
}

// coarse leaves out what klog says at its levels from 1 on, as klog itself does by default: among it are the
// bodies of requests, with the content of objects and with tokens.
type coarse struct{ slog.Handler }

// Enabled implements [slog.Handler].
func (c coarse) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo && c.Handler.Enabled(ctx, level)
}

// WithAttrs implements [slog.Handler].
func (c coarse) WithAttrs(attrs []slog.Attr) slog.Handler { return coarse{c.Handler.WithAttrs(attrs)} }

// WithGroup implements [slog.Handler].
func (c coarse) WithGroup(name string) slog.Handler { return coarse{c.Handler.WithGroup(name)} }

func bridged(logger *zap.Logger) *slog.Logger {
	return slog.New(zapslog.NewHandler(logger.Core()))
}
