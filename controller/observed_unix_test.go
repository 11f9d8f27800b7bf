//go:build unix

package controller_test

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/controller/trace"
)

// observing is all that can be switched on, with spans that nobody has configured.
func observing(tb testing.TB) []controller.Observer {
	tb.Helper()
	m, err := metrics.New(prometheus.NewRegistry())
	require.NoError(tb, err)
	return []controller.Observer{m, trace.Observer(noop.NewTracerProvider())}
}

// BenchmarkObservedNoOpReconcile is BenchmarkNoOpReconcile with all observers.
func BenchmarkObservedNoOpReconcile(b *testing.B) {
	const objects = 100
	round := settled(b, objects, observing(b)...)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += objects {
		round()
	}
}

// TestObserversAllocateNothing in an attempt in which nothing happens: counted, so that it holds on
// any machine. Kills: a look at labels in each attempt, and strings that are made for nobody.
func TestObserversAllocateNothing(t *testing.T) {
	plain, observed := allocated(settled(t, 50)), allocated(settled(t, 50, observing(t)...))
	require.InDelta(t, plain, observed, 0.2)
}

// allocated returns how often an attempt of a round over 50 objects allocates.
func allocated(round func()) float64 {
	round()
	return testing.AllocsPerRun(40, round) / 50
}

// TestObserversCostLittle: at most 15 % of the processor time of the loop alone, whose Apply does
// nothing. It compares turn by turn, as the speed of a shared machine drifts, and runs only if
// KUBERATOR_BUDGETS is set.
func TestObserversCostLittle(t *testing.T) {
	if os.Getenv("KUBERATOR_BUDGETS") == "" {
		t.Skip("KUBERATOR_BUDGETS is not set")
	}
	const objects, rounds, turns = 1000, 40, 21
	plain, observed := settled(t, objects), settled(t, objects, observing(t)...)
	took := func(round func()) time.Duration {
		before := processorTime(t)
		for range rounds {
			round()
		}
		return processorTime(t) - before
	}
	took(plain)
	took(observed)
	var ratios []float64
	for range turns {
		ratios = append(ratios, float64(took(observed))/float64(took(plain)))
	}
	slices.Sort(ratios)
	t.Logf("%.2f of the loop alone, between %.2f and %.2f", ratios[turns/2], ratios[turns/4], ratios[turns*3/4])
	require.LessOrEqual(t, ratios[turns/2], 1.15)
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
