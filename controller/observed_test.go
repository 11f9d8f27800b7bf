package controller_test

import (
	"testing"

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
	require.InDelta(t, plain, observed, 0.5, "less than one: buckets of histograms that a duration is the first of")
}

// allocated returns how often an attempt of a round over 50 objects allocates.
func allocated(round func()) float64 {
	round()
	return testing.AllocsPerRun(40, round) / 50
}
