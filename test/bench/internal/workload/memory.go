package workload

import (
	"context"
	"fmt"
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
	About: "An operator has 1,000, 20,000 or 100,000 objects of 2 kB in its cache, half of which are managedFields; per object",
	Full:  Size{Objects: 100_000}, Short: Size{Objects: 500},
	Rounds: 1,
	Serve:  widgets(server.Large),
	Contenders: []Contender{
		{Kuberator, memoryOf(contender.KuberatorOf)},
		{Floor, memoryOf(contender.ClientGoOf)},
		{Peer, memoryOf(func(f contender.Form) contender.New { return contender.RuntimeOf(f, contender.RuntimeOptions{}) })},
		{Tuned, memoryOf(func(f contender.Form) contender.New {
			return contender.RuntimeOf(f, contender.RuntimeOptions{Tuned: true})
		})},
	},
	Bars: []Bar{
		{Metric: "typed 20k", Against: Floor, AtMost: 1.05},
		{Metric: "typed 20k", Against: Peer, AtMost: 0.65},
		{Metric: "typed 20k", Against: Tuned, AtMost: 1},
		{Metric: "unstructured 20k", Against: Floor, AtMost: 1.05},
		{Metric: "metadata 20k", Against: Floor, AtMost: 1.05},
		{Metric: "metadata 20k", Against: Tuned, AtMost: 1},
		{Metric: "cpu, typed 20k", Against: Floor, AtMost: 0.65},
	},
	Chart: []string{"typed 20k", "unstructured 20k", "metadata 20k"},
}

// memoryOf measures all forms at 20,000 objects, and, in the first round only, since it hardly varies, at the other
// sizes. A short run has one size.
func memoryOf(of func(contender.Form) contender.New) func(context.Context, *Process) error {
	return func(ctx context.Context, p *Process) error {
		for _, form := range []contender.Form{contender.Typed, contender.Unstructured, contender.Metadata} {
			for _, n := range []int{20_000, 1000, 100_000} {
				if n != 20_000 && (p.Round > 0 || p.Size.Objects < n) {
					continue
				}
				metric := fmt.Sprintf("%s %dk", form, n/1000)
				if err := runMemory(ctx, p, metric, min(n, p.Size.Objects), of(form)); err != nil {
					return fmt.Errorf("%s: %w", metric, err)
				}
			}
		}
		return nil
	}
}

// runMemory reports what is live of n objects, and for the first ones, before anything else has taken memory in the
// process, what it took to get them.
func runMemory(ctx context.Context, p *Process, metric string, n int, makeOp contender.New) error {
	part, isFirst := p.part(n), len(p.values) == 0
	before := collected()
	var r *running
	err := part.Span(n, func() (err error) {
		r, err = start(ctx, part, makeOp)
		return err
	})
	if err != nil {
		return err
	}
	peak := peakBytes()
	p.Report(metric, "B", float64(collected().HeapAlloc-before.HeapAlloc)/float64(n))
	if isFirst {
		p.Report("peak, "+metric, "B", peak/float64(n))
		p.Report("cpu, "+metric, "µs", part.value("cpu"))
		p.Report("allocated, "+metric, "B", part.value("allocated"))
	}
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
