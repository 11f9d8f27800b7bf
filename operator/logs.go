package operator

import (
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
func (s *settings) logger() (*zap.Logger, error) {
	level, err := s.level()
	if err != nil {
		return nil, err
	}
	sink := zapcore.Lock(os.Stderr)
	if s.logFormat == "text" {
		// slog's text quotes what has line breaks or control characters in it, which zap's does not.
		handler := slog.NewTextHandler(sink, &slog.HandlerOptions{Level: slogLevel(level)})
		return zap.New(slogcore.New(handler)), nil
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey, encoding.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding), sink, level)), nil
}

func slogLevel(level zapcore.Level) slog.Level { return slog.Level(4 * int(level)) }

// ownProcess makes the logger that of klog and of package slog, and so of package log.
func (p *Process) ownProcess() {
	klog.SetSlogLogger(p.Slog)
	slog.SetDefault(p.Slog)
}

func bridged(logger *zap.Logger) *slog.Logger {
	return slog.New(zapslog.NewHandler(logger.Core()))
}
