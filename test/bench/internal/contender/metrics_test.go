package contender_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
	"github.com/kuberator/kuberator/test/sim"
)

// TestMetrics checks that this library has metrics in all workloads, and that the bare one has none.
func TestMetrics(t *testing.T) {
	of := func(makeOp contender.New) func(*rest.Config, func()) (contender.Runner, error) {
		return func(cfg *rest.Config, looked func()) (contender.Runner, error) {
			return makeOp(cfg, func(*widget.Widget) error { looked(); return nil })
		}
	}
	election := contender.Election{Lease: types.NamespacedName{Namespace: "default", Name: "bench"}}
	for name, c := range map[string]struct {
		make func(cfg *rest.Config, looked func()) (contender.Runner, error)
		bare bool
	}{
		"kuberator":    {make: of(contender.Kuberator)},
		"bare":         {make: of(contender.Bare), bare: true},
		"operated":     {make: of(contender.Operated)},
		"shared":       {make: of(contender.KuberatorShared(1))},
		"unstructured": {make: of(contender.KuberatorOf(contender.Unstructured))},
		"metadata":     {make: of(contender.KuberatorOf(contender.Metadata))},
		"children":     {make: contender.KuberatorChildren},
		"references": {make: func(cfg *rest.Config, looked func()) (contender.Runner, error) {
			return contender.KuberatorReferences(cfg, func(*widget.Widget, string) { looked() })
		}},
		"converge": {make: func(cfg *rest.Config, looked func()) (contender.Runner, error) {
			return contender.KuberatorConverge(cfg, func() {}, looked)
		}},
		"replica": {make: func(cfg *rest.Config, looked func()) (contender.Runner, error) {
			return contender.KuberatorReplica(cfg, election, func(*widget.Widget) error { looked(); return nil })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			defer contender.Register(registry)()
			looks(t, c.make)
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			has := map[string]bool{}
			for _, f := range families {
				has[f.GetName()] = len(f.GetMetric()) > 0
			}
			for _, metric := range []string{"controller_runtime_active_workers", "rest_client_requests_total"} {
				if has[metric] == c.bare {
					t.Errorf("it has %s: %t", metric, has[metric])
				}
			}
		})
	}
}

// looks returns when an operator has looked at a Widget.
func looks(t *testing.T, makeOp func(cfg *rest.Config, looked func()) (contender.Runner, error)) {
	t.Helper()
	kinds := sim.Core("configmaps", "leases.coordination.k8s.io", "events.events.k8s.io")
	srv, err := sim.New(sim.Options{Kinds: append(kinds, sim.CRD(widget.CRD)...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	createWidget(t, srv)
	looked := make(chan struct{}, 100)
	op, err := makeOp(srv.Config(), func() { looked <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	run(t, op)
	<-looked
}

// createWidget creates a Widget of the team red.
func createWidget(t *testing.T, srv *sim.Server) {
	t.Helper()
	client := dynamic.NewForConfigOrDie(srv.Config()).Resource(widget.GroupVersion().WithResource("widgets")).Namespace("default")
	_, err := client.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": widget.GroupVersion().String(), "kind": "Widget",
		"metadata": map[string]any{"name": "one", "finalizers": []any{widget.Finalizer}},
		"spec":     map[string]any{"replicas": int64(1), "image": "a", "settings": map[string]any{contender.Team: "red"}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
