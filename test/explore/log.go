package explore

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap/zapcore"
)

// traceCore writes log lines into a trace.
type traceCore struct {
	trace  *trace
	who    string
	fields []zapcore.Field
}

func (c traceCore) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

func (c traceCore) With(fields []zapcore.Field) zapcore.Core {
	c.fields = append(slices.Clip(c.fields), fields...)
	return c
}

func (c traceCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c traceCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	encoder := zapcore.NewMapObjectEncoder()
	for _, f := range append(slices.Clip(c.fields), fields...) {
		f.AddTo(encoder)
	}
	var text []string
	for _, key := range slices.Sorted(maps.Keys(encoder.Fields)) {
		text = append(text, fmt.Sprintf("%s=%v", key, encoder.Fields[key]))
	}
	c.trace.add(entry{who: c.who, what: "log: " + e.Message, result: strings.Join(text, " "), alarm: e.Level >= zapcore.ErrorLevel})
	return nil
}

func (c traceCore) Sync() error { return nil }
