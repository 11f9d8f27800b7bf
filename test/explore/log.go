package explore

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap/zapcore"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// traceCore writes log lines into a trace.
type traceCore struct {
	trace  *trace
	who    string
	over   func() bool // the process has crashed, or has been told to end, of which it may complain
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
	if c.over() {
		return nil
	}
	encoder := zapcore.NewMapObjectEncoder()
	logged := entry{who: c.who, what: "log: " + e.Message, alarm: e.Level >= zapcore.ErrorLevel}
	for _, f := range append(slices.Clip(c.fields), fields...) {
		f.AddTo(encoder)
		if err, ok := f.Interface.(error); ok && isPassing(err) {
			logged.passing = err.Error()
		}
	}
	var text []string
	for _, key := range slices.Sorted(maps.Keys(encoder.Fields)) {
		field := fmt.Sprintf("%s=%v", key, encoder.Fields[key])
		if key == "error" {
			text = slices.Insert(text, 0, field) // it comes first, since a long line is cut
		} else {
			text = append(text, field)
		}
	}
	logged.result = strings.Join(text, " ")
	c.trace.add(logged)
	return nil
}

func (c traceCore) Sync() error { return nil }

// isPassing reports whether an error is one that a correct operator gets while its cache is a moment
// behind, and that is over as soon as it tries again.
func isPassing(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

// mostPassing is how often such an error may be logged until the operator has settled: as often as a
// workqueue tries again within some seconds. What comes more often does not pass.
const mostPassing = 10

// firstAlarm returns the first error that an operator logs in a run without faults and that a correct one
// does not log, or an empty string.
func firstAlarm(entries []entry) string {
	passing := map[string]int{}
	for _, e := range entries {
		if e.settled {
			clear(passing)
		}
		if !e.alarm {
			continue
		}
		passing[e.passing]++
		if e.passing == "" || passing[e.passing] > mostPassing {
			return e.what + " " + e.result
		}
	}
	return ""
}
