package bench_test

import (
	"testing"

	"github.com/kuberator/kuberator/test/bench/internal/server"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// TestContenders checks that the contenders do the same: they give the user a copy of
// his own, without managedFields, and see a change.
func TestContenders(t *testing.T) {
	for _, c := range contenders() {
		for way, noStreaming := range map[string]bool{"stream": false, "list": true} {
			t.Run(c.name+"/"+way, func(t *testing.T) { testContender(t, c, noStreaming) })
		}
	}
}

func testContender(t *testing.T, c named, noStreaming bool) {
	s, err := server.New(server.Options{Count: 1, Size: server.Large, NoStreaming: noStreaming})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	seen := make(chan *widget.Widget, 1)
	r := &running{server: s}
	op, err := c.make(server.Config(s.URL()), func(w *widget.Widget) {
		seen <- w.DeepCopy()
		w.Spec.Settings["mode"] = "changed"
	})
	if err != nil {
		t.Fatal(err)
	}
	r.begin(t.Context(), op)
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	expect := func(generation int64) {
		t.Helper()
		w := <-seen
		if c.name == operated {
			w.ManagedFields = nil // when it has begun to lead, it reads from the server, and keeps nothing of that
		}
		if w.Generation != generation || w.Spec.Settings["mode"] != "fast" || len(w.ManagedFields) != 0 || w.Name != server.Key(0).Name {
			t.Fatalf("generation %d was expected, got %+v", generation, w)
		}
	}
	expect(1)
	op.Enqueuer(keys(1))(0)
	expect(1)
	if err := s.Update(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	expect(2)
}
