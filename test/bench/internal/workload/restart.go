package workload

import (
	"context"
	"errors"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// restart is the start of an operator that has done its work already: it looks at each object, and has nothing to write.
// The operators are those of converge. One more of this library is a leader that takes over from another process, and trusts no
// cache. The others would read the same as leaders as they do here.
var restart = Workload{
	Name:  "restart",
	About: "An operator starts, and 20,000 objects have what it would write, by 16 workers; per object",
	Full:  Size{Objects: 20_000}, Short: Size{Objects: 100},
	Rounds:     1,
	API:        &API{CRDs: [][]byte{widget.CRD}, Core: []string{"leases.coordination.k8s.io"}, Fill: fillRestart},
	Contenders: append(convergers(runRestart), by(runLeader)(Leader, contender.KuberatorLeader(led))),
	Bars: []Bar{
		{Metric: "writes", AtMost: 0, Count: true},
		{Metric: "conflicts", AtMost: 0, Count: true},
		{Metric: "looks", AtMost: 1, Count: true},
		{Metric: "reads", AtMost: 0, Count: true},
		{Metric: "writes", Contender: Leader, AtMost: 0, Count: true},
		{Metric: "looks", Contender: Leader, AtMost: 1, Count: true},
		{Metric: "reads", Contender: Leader, AtMost: 1, Count: true},
		{Metric: "cpu", Against: Floor, AtMost: 0.65},
		{Metric: "cpu", Against: Peer, AtMost: 0.25},
		{Metric: "cpu", Against: Tuned, AtMost: 0.6},
		{Metric: "clock", Against: Floor, AtMost: 0.75},
		{Metric: "clock", Against: Tuned, AtMost: 0.65},
	},
	Chart: []string{"cpu", "clock", "writes"},
}

// led is a lease that its last holder has released.
var led = types.NamespacedName{Namespace: namespace, Name: "bench"}

func fillRestart(ctx context.Context, cfg *rest.Config, size Size) error {
	leases, err := coordinationv1client.NewForConfig(cfg)
	if err != nil {
		return err
	}
	now := metav1.NowMicro()
	_, err = leases.Leases(led.Namespace).Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: led.Name},
		Spec: coordinationv1.LeaseSpec{ // what client-go leaves
			HolderIdentity: new(""), LeaseDurationSeconds: new(int32(1)), AcquireTime: &now, RenewTime: &now, LeaseTransitions: new(int32(1)),
		},
	}, metav1.CreateOptions{})
	return errors.Join(err, settledWidgets(ctx, cfg, size))
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

// runLeader is [runRestart] for an operator that reads each object: not less, as the limit has it that it is not more.
func runLeader(ctx context.Context, p *Process, makeOp contender.Converge) error {
	err := runRestart(ctx, p, makeOp)
	if n := p.requests.reads.Load(); err == nil && n < int64(p.Size.Objects) {
		err = fmt.Errorf("the leader read %d of %d objects, and trusted its cache for the others", n, p.Size.Objects)
	}
	return err
}
