package contender_test

import (
	"context"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
	"github.com/kuberator/kuberator/test/bench/internal/workload"
	"github.com/kuberator/kuberator/test/sim"
)

// TestContenders checks that the contenders do the same: they give the user a copy of his own, see a change, and keep
// managedFields only where that is the default.
func TestContenders(t *testing.T) {
	for name, c := range map[string]struct {
		make    contender.New
		managed int // fields that are managed are in the cache
		live    int // or in what is read from the server, when the operator has begun to lead
	}{
		"kuberator":                {contender.Kuberator, 0, 0},
		"kuberator-bare":           {contender.Bare, 0, 0},
		"kuberator-operated":       {contender.Operated, 0, 2},
		"client-go":                {contender.ClientGo, 0, 0},
		"controller-runtime":       {contender.ControllerRuntime(contender.RuntimeOptions{}), 2, 2},
		"controller-runtime-tuned": {contender.ControllerRuntime(contender.RuntimeOptions{Tuned: true}), 0, 0},
	} {
		for way, noStreaming := range map[string]bool{"stream": false, "list": true} {
			t.Run(name+"/"+way, func(t *testing.T) {
				others, err := sim.New(sim.Options{Kinds: sim.Core("leases.coordination.k8s.io", "events.events.k8s.io")})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(others.Close)
				s, err := server.New(server.Options{Count: 1, Size: server.Large, NoStreaming: noStreaming, Others: server.Simulated(others)})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(s.Close)
				testContender(t, s, c.make, c.live, c.managed)
				isLease := func(o *unstructured.Unstructured) bool { return o.GetKind() == "Lease" }
				if leads := slices.ContainsFunc(others.Objects(), isLease); leads != (name == workload.Operated) {
					t.Error("the server has its lease:", leads)
				}
			})
		}
	}
}

func testContender(t *testing.T, s *server.Server, makeOp contender.New, first, then int) {
	seen := make(chan *widget.Widget, 1)
	cfg := &rest.Config{Host: s.URL(), QPS: -1}
	op, err := makeOp(cfg, func(w *widget.Widget) error {
		seen <- w.DeepCopy()
		w.Spec.Settings["mode"] = "changed"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, op)
	expect := func(generation int64, managed int) {
		t.Helper()
		w := <-seen
		if w.Generation != generation || w.Spec.Settings["mode"] != "fast" || len(w.ManagedFields) != managed || w.Name != server.Key(0).Name {
			t.Fatalf("generation %d and %d managers were expected, got %+v", generation, managed, w)
		}
	}
	expect(1, first)
	op.Enqueuer([]types.NamespacedName{server.Key(0)})(0)
	expect(1, then)
	if err := server.Update(t.Context(), s.URL(), 1); err != nil {
		t.Fatal(err)
	}
	expect(2, then)
}

// run runs an operator until the test ends.
func run(t *testing.T, op contender.Runner) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- op.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
