package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// cached is how many Widgets the benchmarks of memory have.
const cached = 20_000

// keeping is controller-runtime with its default, to keep managedFields in the cache.
const keeping = "controller-runtime-managedfields"

// The variables that make this test binary an operator, in a process of its own.
const (
	envContender = "KUBERATOR_BENCH_CONTENDER"
	envServer    = "KUBERATOR_BENCH_SERVER"
)

// footprint is what an operator took for its cache.
type footprint struct {
	Heap   float64 // bytes of live objects, after a collection
	Peak   float64 // bytes of the process at most; 0 where the system does not tell
	Bytes  float64 // bytes allocated
	Allocs float64 // allocations
	Synced float64 // nanoseconds until every object had been reconciled
}

func TestMain(m *testing.M) {
	if name := os.Getenv(envContender); name != "" {
		if err := child(name, os.Getenv(envServer)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if name := os.Getenv(envConverge); name != "" {
		if err := convergence(name, os.Getenv(envServer)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	m.Run()
}

// BenchmarkCache20000 is the memory of an operator that has 20,000 objects of 2 kB in
// its cache, half of which are managedFields, and has reconciled each once. It runs
// in a process of its own. The objects come through the watch (stream), or in one list
// from a server that cannot do that.
func BenchmarkCache20000(b *testing.B) {
	for _, way := range []string{"stream", "list"} {
		s, err := server.New(server.Options{Count: cached, Size: server.Large, NoStreaming: way == "list"})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		for _, c := range hoarders() {
			b.Run(way+"/"+c.name, func(b *testing.B) {
				var sum footprint
				for range b.N {
					f, err := fill(b.Context(), c.name, s.URL())
					if err != nil {
						b.Fatal(err)
					}
					sum = sum.plus(f)
				}
				sum.report(b)
			})
		}
	}
}

// hoarders are the contenders for memory.
func hoarders() []named {
	return append(compared(), named{keeping, contender.ControllerRuntime(contender.RuntimeOptions{KeepManagedFields: true})})
}

func (f footprint) plus(g footprint) footprint {
	return footprint{f.Heap + g.Heap, f.Peak + g.Peak, f.Bytes + g.Bytes, f.Allocs + g.Allocs, f.Synced + g.Synced}
}

func (f footprint) report(b *testing.B) {
	n := float64(b.N)
	b.ReportMetric(f.Heap/n/1e6, "heap-MB")
	b.ReportMetric(f.Peak/n/1e6, "peak-MB")
	b.ReportMetric(f.Synced/n, "ns/op")
	b.ReportMetric(f.Bytes/n, "B/op")
	b.ReportMetric(f.Allocs/n, "allocs/op")
}

// fill runs a contender in a process of its own until its cache is full.
func fill(ctx context.Context, name, url string) (footprint, error) {
	self, err := os.Executable()
	if err != nil {
		return footprint{}, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), envContender+"="+name, envServer+"="+url)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return footprint{}, fmt.Errorf("%s: %w: %s", name, err, &stderr)
	}
	var f footprint
	return f, json.Unmarshal(stdout.Bytes(), &f)
}

// child is the process that is measured.
func child(name, url string) error {
	for _, c := range hoarders() {
		if c.name == name {
			f, err := measured(c.make, url)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(f)
		}
	}
	return fmt.Errorf("no contender %q", name)
}

func measured(makeOp contender.New, url string) (footprint, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	before, began := collected(), time.Now()
	r, err := start(ctx, url, cached, makeOp)
	if err != nil {
		return footprint{}, err
	}
	synced, peak := time.Since(began), peakBytes()
	r.enqueue = nil // the keys are not the operator's
	after := collected()
	return footprint{
		Heap:   float64(after.HeapAlloc) - float64(before.HeapAlloc),
		Peak:   peak,
		Bytes:  float64(after.TotalAlloc - before.TotalAlloc),
		Allocs: float64(after.Mallocs - before.Mallocs),
		Synced: float64(synced),
	}, r.stop()
}

// collected reads the statistics after two collections: what a sync.Pool holds goes
// with the second.
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
