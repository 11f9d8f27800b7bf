package slogcore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/kuberator/kuberator/internal/slogcore"
)

// text returns a handler that writes what is comparable.
func text(buf *bytes.Buffer, level slog.Level) slog.Handler {
	return slog.NewTextHandler(buf, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}})
}

func TestEntriesArriveWithTheirFields(t *testing.T) {
	buf := &bytes.Buffer{}
	log := zap.New(slogcore.New(text(buf, slog.LevelInfo))).Named("n").With(zap.String("with", "x"))
	log.Debug("not enabled")
	log.Info("one", zap.Int("b", 1), zap.Duration("a", time.Second), zap.Strings("list", []string{"p", "q"}))
	log.Warn("two", zap.Error(errors.New("it broke")), zap.Namespace("in"), zap.Bool("side", true))
	log.With(zap.Namespace("group"), zap.Int("c", 2)).Error("three", zap.Skip())
	require.Equal(t, `level=INFO msg=one with=x logger=n b=1 a=1s list="[p q]"
level=WARN msg=two with=x logger=n error="it broke" in.side=true
level=ERROR msg=three with=x group.c=2 group.logger=n
`, buf.String())
	require.NoError(t, log.Sync())
}

// Kills: errors that are only text in a handler.
func TestG16AnErrorKeepsItsCauseOverSlog(t *testing.T) {
	var found []error
	handler := slog.NewTextHandler(&bytes.Buffer{}, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if err, ok := a.Value.Any().(error); ok {
			found = append(found, err)
		}
		return a
	}})
	cause := errors.New("it broke")
	zap.New(slogcore.New(handler)).With(zap.NamedError("first", cause)).Warn("m", zap.Error(fmt.Errorf("apply: %w", cause)), zap.Error(nil))
	require.Len(t, found, 2)
	for _, err := range found {
		require.ErrorIs(t, err, cause)
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[zapcore.Level]string{
		zapcore.DebugLevel: "DEBUG", zapcore.InfoLevel: "INFO", zapcore.WarnLevel: "WARN", zapcore.ErrorLevel: "ERROR", zapcore.DPanicLevel: "ERROR",
	} {
		buf := &bytes.Buffer{}
		zap.New(slogcore.New(text(buf, slog.LevelDebug))).Log(level, "m")
		require.Equal(t, "level="+want+" msg=m\n", buf.String())
	}
}

func TestStacksAreKept(t *testing.T) {
	buf := &bytes.Buffer{}
	zap.New(slogcore.New(text(buf, slog.LevelInfo)), zap.AddStacktrace(zapcore.ErrorLevel)).Error("m")
	require.Contains(t, buf.String(), "stacktrace=")
	require.Contains(t, buf.String(), "TestStacksAreKept")
}

// TestThereAndBack runs the standard library's test of handlers over slog → zap → slog.
func TestThereAndBack(t *testing.T) {
	var buf bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		buf.Reset()
		return zapslog.NewHandler(slogcore.New(slog.NewJSONHandler(&buf, nil)))
	}, func(t *testing.T) map[string]any {
		t.Helper()
		return parsed(t, buf.Bytes())
	})
}

func parsed(t *testing.T, line []byte) map[string]any {
	t.Helper()
	fields := map[string]any{}
	require.NoError(t, json.Unmarshal(line, &fields))
	return fields
}
