package bench_test

import (
	"testing"

	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// BenchmarkNoOpReconcile is a restart, or a resync: 10,000 settled objects are enqueued,
// all of them, again and again, and two workers reconcile each without anything to
// do. The time is that of one reconcile while many are in flight.
//
// What each contender does for it is in package contender. All make the same one deep
// copy, which BenchmarkDeepCopy measures alone.
func BenchmarkNoOpReconcile(b *testing.B) { benchmarkNoOp(b, server.Small) }

// BenchmarkLoop is the same with objects that have next to nothing to copy: what is left
// is the loop.
func BenchmarkLoop(b *testing.B) { benchmarkNoOp(b, server.Bare) }

func benchmarkNoOp(b *testing.B, size server.Size) {
	for _, c := range contenders() {
		b.Run(c.name, func(b *testing.B) {
			r := serve(b, size, c.make)
			measure(b, func(n int) error { return r.rounds(b.Context(), n, r.enqueued) })
		})
	}
}

// BenchmarkEvent is the way of an update: the server sends an event over a watch, it
// is decoded, put into the cache and enqueued, and reconciled without anything to do.
// Each event is news: another generation of the object.
func BenchmarkEvent(b *testing.B) {
	for _, c := range contenders() {
		b.Run(c.name, func(b *testing.B) {
			r := serve(b, server.Small, c.make)
			measure(b, func(n int) error { return r.rounds(b.Context(), n, r.updated(b.Context())) })
		})
	}
}

// BenchmarkDeepCopy is the part of each of the above that no operator can do without.
func BenchmarkDeepCopy(b *testing.B) {
	w, err := server.Example()
	if err != nil {
		b.Fatal(err)
	}
	measure(b, func(n int) error {
		for range n {
			w = w.DeepCopy()
		}
		return nil
	})
}

// measure times b.N of what do does, on the clock and on the processors. The second is
// that of the whole process, the server included.
func measure(b *testing.B, do func(n int) error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	began := cpu()
	err := do(b.N)
	took := cpu() - began
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took)/float64(b.N), "cpu-ns/op")
}
