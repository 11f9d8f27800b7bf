package workload

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// memory is what an operator holds that has its objects in a cache, and has reconciled each once. Objects have 2 kB of
// JSON, half of which are managedFields.
var memory = Workload{
	Name:  "memory",
	About: "An operator has 20,000 objects of 2 kB in its cache, half of which are managedFields; per object",
	Full:  Size{Objects: 20_000}, Short: Size{Objects: 500},
	Rounds:     3,
	Serve:      widgets(server.Large, false),
	Contenders: noOps(runMemory),
	Bars: []Bar{
		{Metric: "heap", Against: Floor, AtMost: 1.05},
		{Metric: "heap", Against: Peer, AtMost: 0.65},
	},
	Chart: []string{"heap", "peak"},
}

func runMemory(ctx context.Context, p *Process, makeOp contender.New) error {
	before := collected()
	var r *running
	err := p.Span(p.Size.Objects, func() (err error) {
		r, err = start(ctx, p, makeOp)
		return err
	})
	if err != nil {
		return err
	}
	peak := peakBytes()
	n := float64(p.Size.Objects)
	p.Report("heap", "B", float64(collected().HeapAlloc-before.HeapAlloc)/n)
	p.Report("peak", "B", peak/n)
	return r.stop()
}

// collected reads the statistics after two collections: what a sync.Pool holds goes with the second.
func collected() (stats runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats
}

// peakBytes returns the peak of the resident memory, where Linux tells.
func peakBytes() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, _ := strconv.ParseFloat(kilobytes, 64)
	return n * 1024
}
