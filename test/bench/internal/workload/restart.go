package workload

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// restart is the start of an operator that has done its work already: it looks at each object, and has nothing to write.
// The operators are those of converge.
var restart = Workload{
	Name:  "restart",
	About: "An operator starts, and 20,000 objects have what it would write, by 16 workers; per object",
	Full:  Size{Objects: 20_000}, Short: Size{Objects: 100},
	Rounds:     2,
	API:        &API{CRDs: [][]byte{widget.CRD}, Fill: settledWidgets},
	Contenders: convergers(runRestart),
	Bars: []Bar{
		{Metric: "writes", AtMost: 0, Count: true},
		{Metric: "conflicts", AtMost: 0, Count: true},
		{Metric: "looks", AtMost: 1, Count: true},
		{Metric: "cpu", Against: Floor, AtMost: 1.05},
		{Metric: "cpu", Against: Floor, AtMost: 0.65},
		{Metric: "cpu", Against: Peer, AtMost: 0.25},
		{Metric: "cpu", Against: Tuned, AtMost: 0.6},
		{Metric: "clock", Against: Floor, AtMost: 1.05},
		{Metric: "clock", Against: Floor, AtMost: 0.75},
		{Metric: "clock", Against: Tuned, AtMost: 0.65},
	},
	Chart: []string{"cpu", "clock", "writes"},
}

// settledWidgets makes Widgets with the finalizer and the status that the operators write.
func settledWidgets(ctx context.Context, cfg *rest.Config, size Size) error {
	resource := widget.GroupVersion().WithResource("widgets")
	err := create(ctx, cfg, resource, size.Objects, func(i int) map[string]any {
		w := newWidget(i)
		w["metadata"].(map[string]any)["finalizers"] = []any{widget.Finalizer}
		return w
	})
	if err != nil {
		return err
	}
	all, err := readWidgets(ctx, cfg)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return err
	}
	return each(len(all), func(i int) error {
		all[i].Status = contender.Ready(&all[i])
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&all[i])
		if err != nil {
			return err
		}
		_, err = client.Resource(resource).Namespace(namespace).UpdateStatus(ctx, &unstructured.Unstructured{Object: content}, metav1.UpdateOptions{})
		return err
	})
}

// runRestart measures until all objects have been looked at. None is written, so that each look is one at another object.
func runRestart(ctx context.Context, p *Process, makeOp contender.Converge) error {
	looked := newRunning(p.Size.Objects)
	return p.watch(ctx, looked, func(one func()) (contender.Runner, error) {
		return makeOp(p.Config, func() {}, func() { one(); looked.did() })
	})
}
