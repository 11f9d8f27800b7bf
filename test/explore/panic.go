package explore

import (
	"context"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
)

// labelled runs f so that a panic in it, or in a goroutine that it starts, names the plan: such a panic
// ends the test process, and nothing can report after it. Goroutines inherit labels, and the traceback of
// a panic shows them, if the runtime is told to; that setting is per process and can change while it runs.
func labelled(plan Plan, f func()) {
	printLabels()
	pprof.Do(context.Background(), pprof.Labels("explore.plan", plan.String()), func(context.Context) { f() }) //nolint:forbidigo // nothing is done with the ctx
}

// printLabels has the runtime print the labels of goroutines in tracebacks, unless GODEBUG says whether.
var printLabels = sync.OnceFunc(func() {
	const setting = "tracebacklabels="
	if was := os.Getenv("GODEBUG"); !strings.Contains(was, setting) {
		os.Setenv("GODEBUG", strings.TrimPrefix(was+","+setting+"1", ",")) //nolint:errcheck // then they are not printed
	}
})
