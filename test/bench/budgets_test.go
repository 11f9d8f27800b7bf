package bench_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// The budgets of the library.
const (
	mostOfRuntimes = 1.0 / 4 // of controller-runtime's processor time for the loop alone
	mostAllocs     = 6       // allocations for a no-op reconcile, the deep copy apart
	mostOfFloor    = 1.1     // of the heap that the operator on client-go alone needs
	mostToConverge = 1.05    // of the processor time of client-go by hand, for new objects
	mostToOperate  = 1.15    // of its own, with leadership, metrics, the page, events and tracing
)

// How often the contenders are measured, in turn. An odd number has a median.
const (
	roundsOfTime   = 5
	roundsOfMemory = 3
)

// TestBudgets fails if the library is slower or larger than it may be. It compares
// what was measured within one round, and takes the median of the rounds, because the
// speed of a shared machine drifts. It runs only if KUBERATOR_BUDGETS is set, because
// even so a busy machine can make it fail.
func TestBudgets(t *testing.T) {
	if os.Getenv("KUBERATOR_BUDGETS") == "" {
		t.Skip("KUBERATOR_BUDGETS is not set")
	}
	if cpu() == 0 {
		t.Skip("the time of the processors is not known on this system")
	}
	b := &budgets{}
	b.line("", kuberator, clientGo, runtimes, "measured", "at most", "")
	b.time(t)
	b.converge(t)
	b.memory(t, "stream")
	b.memory(t, "list")
	t.Log(b.table())
	if len(b.broken) > 0 {
		t.Error("over budget:", strings.Join(b.broken, ", "))
	}
}

// budgets is a table, and the names of its lines that are over budget.
type budgets struct {
	lines  []string
	broken []string
}

func (b *budgets) line(cells ...string) { b.lines = append(b.lines, strings.Join(cells, "\t")) }

func (b *budgets) table() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	for _, line := range b.lines {
		fmt.Fprintln(w, line)
	}
	_ = w.Flush()
	return out.String()
}

// judge adds a line: the medians of what each contender took, and what they come to.
// A limit of 0 is none.
func (b *budgets) judge(what string, all samples, measured, limit float64) {
	verdict, most := "", ""
	if limit > 0 {
		verdict, most = "ok", fmt.Sprintf("%.2f", limit)
	}
	if limit > 0 && measured > limit {
		verdict = "OVER BUDGET"
		b.broken = append(b.broken, what)
	}
	cells := []string{what}
	for _, c := range compared() {
		if len(all[c.name]) == 0 {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, fmt.Sprintf("%.1f", median(all[c.name])))
	}
	b.line(append(cells, fmt.Sprintf("%.2f", measured), most, verdict)...)
}

// samples are measurements by contender, one for each round.
type samples map[string][]float64

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// ratio returns the median of the ratios of the rounds.
func (s samples) ratio(a, b string) float64 {
	ratios := make([]float64, len(s[a]))
	for i := range ratios {
		ratios[i] = s[a][i] / s[b][i]
	}
	return median(ratios)
}

// converge has both contenders make new objects ready.
func (b *budgets) converge(t *testing.T) {
	processor, allocs := samples{}, samples{}
	for range roundsOfTime {
		for _, name := range []string{clientGo, kuberator} {
			e, err := converge(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			processor[name] = append(processor[name], e.CPU/newcomers/1000)
			allocs[name] = append(allocs[name], e.Allocs/newcomers)
		}
	}
	b.judge("new objects, cpu-µs each, of client-go's", processor, processor.ratio(kuberator, clientGo), mostToConverge)
	b.judge("new objects, allocations each, of client-go's", allocs, allocs.ratio(kuberator, clientGo), 1)
}

func (b *budgets) time(t *testing.T) {
	copies := float64(result(t, BenchmarkDeepCopy).AllocsPerOp())
	var times, processor, allocs samples
	if !t.Run("small", func(t *testing.T) { times, processor, allocs = noOps(t, server.Small) }) {
		t.FailNow()
	}
	// On a busy machine the clock shows who else runs, and the processors' time does not.
	b.judge("no-op reconcile, cpu-ns, of controller-runtime's", processor, processor.ratio(kuberator, runtimes), 0)
	b.judge("no-op reconcile, cpu-ns, of client-go's", processor, processor.ratio(kuberator, clientGo), 0)
	b.judge("no-op reconcile, ns, of controller-runtime's", times, times.ratio(kuberator, runtimes), 0)
	b.judge("no-op reconcile, ns, of client-go's", times, times.ratio(kuberator, clientGo), 0)
	b.judge("no-op reconcile with everything on, cpu-ns, of without", processor, processor.ratio(operated, kuberator), mostToOperate)
	b.judge("no-op reconcile, allocations, less the deep copy", allocs, median(allocs[kuberator])-copies, mostAllocs)
	if !t.Run("bare", func(t *testing.T) { times, processor, _ = noOps(t, server.Bare) }) {
		t.FailNow()
	}
	b.judge("loop alone, cpu-ns, of controller-runtime's", processor, processor.ratio(kuberator, runtimes), mostOfRuntimes)
	b.judge("loop alone, cpu-ns, of client-go's", processor, processor.ratio(kuberator, clientGo), 0)
	b.judge("loop alone with everything on, cpu-ns, of without", processor, processor.ratio(operated, kuberator), 0)
	b.judge("loop alone, ns, of controller-runtime's", times, times.ratio(kuberator, runtimes), 0)
	b.judge("loop alone, ns, of client-go's", times, times.ratio(kuberator, clientGo), 0)
}

// noOps measures no-op reconciles of objects of that size, by operators that run until
// the end of t.
func noOps(t *testing.T, size server.Size) (times, processor, allocs samples) {
	operators := map[string]*running{}
	all := append(compared(), named{operated, contender.Operated})
	for _, c := range all {
		operators[c.name] = serve(t, size, c.make)
	}
	times, processor, allocs = samples{}, samples{}, samples{}
	for range roundsOfTime {
		for _, c := range all {
			r := operators[c.name]
			took := result(t, func(b *testing.B) {
				measure(b, func(n int) error { return r.rounds(t.Context(), n, r.enqueued) })
			})
			times[c.name] = append(times[c.name], float64(took.NsPerOp()))
			processor[c.name] = append(processor[c.name], took.Extra["cpu-ns/op"])
			allocs[c.name] = append(allocs[c.name], float64(took.AllocsPerOp()))
		}
	}
	return times, processor, allocs
}

// result is testing.Benchmark, which tells of a failure by an empty result.
func result(t *testing.T, f func(*testing.B)) testing.BenchmarkResult {
	t.Helper()
	took := testing.Benchmark(f)
	if took.N == 0 {
		t.Fatal("the benchmark failed")
	}
	return took
}

func (b *budgets) memory(t *testing.T, way string) {
	s, err := server.New(server.Options{Count: cached, Size: server.Large, NoStreaming: way == "list"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	heap, peak := samples{}, samples{}
	for range roundsOfMemory {
		for _, c := range compared() {
			f, err := fill(t.Context(), c.name, s.URL())
			if err != nil {
				t.Fatal(err)
			}
			heap[c.name] = append(heap[c.name], f.Heap/1e6)
			peak[c.name] = append(peak[c.name], f.Peak/1e6)
		}
	}
	b.judge("20,000 objects by "+way+", heap MB, of client-go's", heap, heap.ratio(kuberator, clientGo), mostOfFloor)
	// The peak depends on when a collection happens to run: it is shown, not judged.
	b.judge("20,000 objects by "+way+", peak MB, of client-go's", peak, peak.ratio(kuberator, clientGo), 0)
}
