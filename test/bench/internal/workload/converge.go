package workload

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// converge is a flood of new objects: each gets a finalizer and a status.
var converge = Workload{
	Name:   "converge",
	About:  "5,000 new objects get a finalizer and a status, by 16 workers; per object",
	Rounds: 3,
	Full:   Size{Objects: 5000}, Short: Size{Objects: 100},
	API:        &API{CRDs: [][]byte{widget.CRD}, Fill: newWidgets},
	Contenders: append(convergers(runConverge), by(runConverge)(Bare, contender.BareConverge)),
	Bars: []Bar{
		{Metric: "writes", AtMost: 2, Count: true},
		{Metric: "conflicts", AtMost: 0, Count: true},
		{Metric: "cpu", Contender: Bare, Against: Floor, AtMost: 1.05}, // which has no metrics either
		{Metric: "cpu", Against: Peer, AtMost: 0.55},
		{Metric: "cpu", Against: Tuned, AtMost: 1},
		{Metric: "clock", Contender: Bare, Against: Floor, AtMost: 1.05},
		{Metric: "clock", Against: Peer, AtMost: 0.6},
		{Metric: "clock", Against: Tuned, AtMost: 1},
	},
	Chart: []string{"cpu", "writes"},
}

// convergers are the contenders that make new objects ready.
func convergers(measure func(ctx context.Context, p *Process, makeOp contender.Converge) error) []Contender {
	of := by(measure)
	return []Contender{
		of(Kuberator, contender.KuberatorConverge),
		of(Floor, contender.ClientGoConverge),
		of(Peer, contender.RuntimeConverge(contender.RuntimeOptions{})),
		of(Tuned, contender.RuntimeConverge(contender.RuntimeOptions{Tuned: true})),
	}
}

func newWidgets(ctx context.Context, cfg *rest.Config, size Size) error {
	return create(ctx, cfg, widget.GroupVersion().WithResource("widgets"), size.Objects, newWidget)
}

func widgetName(i int) string { return fmt.Sprintf("widget-%06d", i) }

// readWidgets returns all, as they are on the server.
func readWidgets(ctx context.Context, cfg *rest.Config) ([]widget.Widget, error) {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	list, err := client.Resource(widget.GroupVersion().WithResource("widgets")).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	all := make([]widget.Widget, len(list.Items))
	for i := range all {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func newWidget(i int) map[string]any {
	return map[string]any{
		"apiVersion": widget.GroupVersion().String(), "kind": "Widget",
		"metadata": map[string]any{"name": widgetName(i), "labels": map[string]any{"app": "bench", "tier": "front"}},
		"spec": map[string]any{
			"replicas": int64(3), "image": "registry.example.com/app:1.2.3",
			"settings": map[string]any{"colour": "blue", "size": "large", "mode": "standard"},
		},
	}
}

// runConverge measures until all objects are ready, and the events of the last writes have come.
func runConverge(ctx context.Context, p *Process, makeOp contender.Converge) error {
	ready := newRunning(p.Size.Objects)
	return p.watch(ctx, ready, func(looked func()) (contender.Runner, error) { return makeOp(p.Config, ready.did, looked) })
}
