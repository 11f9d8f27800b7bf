package workload

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// children is a change of an object that concerns one of its children: that one is written, and nothing else is. The
// objects are changed again and again, each time another field.
var children = Workload{
	Name:  "children",
	About: "1,000 objects have 5 ConfigMaps each, and a field is changed 5 times that concerns one of them, with 16 workers; per change",
	Full:  Size{Objects: 1000, Times: 5}, Short: Size{Objects: 20, Times: 2},
	Rounds: 2,
	API:    &API{Core: []string{"configmaps"}, CRDs: [][]byte{widget.CRD}, Fill: parents, Drive: changeParents},
	Contenders: []Contender{
		by(runChildren)(Kuberator, contender.KuberatorChildren),
		by(runChildren)(Floor, contender.ClientGoChildren),
		by(runChildren)(Peer, contender.RuntimeChildren(contender.RuntimeOptions{})),
		by(runChildren)(Tuned, contender.RuntimeChildren(contender.RuntimeOptions{Tuned: true})),
	},
	Bars: []Bar{
		{Metric: "writes", AtMost: 1, Count: true},
		{Metric: "conflicts", AtMost: 0, Count: true},
		{Metric: "cpu", Against: Floor, AtMost: 1.05},
		{Metric: "cpu", Against: Peer, AtMost: 0.85},
		{Metric: "cpu", Against: Tuned, AtMost: 1},
		{Metric: "clock", Against: Floor, AtMost: 1.05},
		{Metric: "clock", Against: Peer, AtMost: 1},
		{Metric: "clock", Against: Tuned, AtMost: 1},
	},
	Chart: []string{"cpu", "looks"},
}

// parents makes Widgets, and their children as the operators make them.
func parents(ctx context.Context, cfg *rest.Config, size Size) error {
	err := create(ctx, cfg, widget.GroupVersion().WithResource("widgets"), size.Objects, func(i int) map[string]any {
		w := newWidget(i)
		settings := w["spec"].(map[string]any)["settings"].(map[string]any)
		for part := range contender.Parts {
			settings[contender.Part(part)] = "0"
		}
		return w
	})
	if err != nil {
		return err
	}
	all, err := readWidgets(ctx, cfg)
	if err != nil {
		return err
	}
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return err
	}
	return each(len(all)*contender.Parts, func(i int) error {
		_, err := client.ConfigMaps(namespace).Create(ctx, contender.Child(&all[i/contender.Parts], i%contender.Parts), metav1.CreateOptions{})
		return err
	})
}

// changeParents changes one setting of each of the first Widgets.
func changeParents(ctx context.Context, cfg *rest.Config, step Step) error {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return err
	}
	change := fmt.Sprintf(`{"spec": {"settings": {%q: "%d"}}}`, contender.Part(step.Round%contender.Parts), step.Round)
	return each(step.To-step.From, func(i int) error {
		return patch(ctx, client, widget.GroupVersion().WithResource("widgets"), widgetName(step.From+i), change)
	})
}

// runChildren measures one round of changes after the other, as one: the collector of garbage is at work in all of them. A round ends when as many writes have succeeded as objects
// were changed; in the end each child must be what it is to be.
func runChildren(ctx context.Context, p *Process, makeOp contender.Children) error {
	var l looks
	op, err := makeOp(p.Config, l.one)
	if err != nil {
		return err
	}
	n, written := p.Size.Objects, newRunning(0)
	p.requests.succeeded = written.did
	written.run(ctx, op)
	err = l.first(ctx, n)
	started := l.Load()
	var m meter
	if err == nil {
		err = p.measureRounds(&m, func(round int) error {
			return written.round(ctx, n, func() error { return p.Drive(ctx, Step{What: "parents", To: n, Round: round}) })
		}, l.settle)
	}
	if err != nil {
		return errors.Join(err, written.stop())
	}
	changes := n * p.Size.Times
	p.reportMeter(&m, changes)
	p.Report("looks", "/change", float64(l.Load()-started)/float64(changes))
	p.ReportRequests(changes)
	p.requests.succeeded = nil
	return errors.Join(written.stop(), checkChildren(ctx, p.Config))
}

// checkChildren compares all children with what their parents ask for.
func checkChildren(ctx context.Context, cfg *rest.Config) error {
	all, err := readWidgets(ctx, cfg)
	if err != nil {
		return err
	}
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return err
	}
	list, err := client.ConfigMaps(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	have := map[string]*corev1.ConfigMap{}
	for i := range list.Items {
		have[list.Items[i].Name] = &list.Items[i]
	}
	for i := range all {
		for part := range contender.Parts {
			want := contender.Child(&all[i], part)
			is := have[want.Name]
			if is == nil || !maps.Equal(is.Data, want.Data) || !metav1.IsControlledBy(is, &all[i]) {
				return fmt.Errorf("the child %s is not as it is to be: %v", want.Name, is)
			}
		}
	}
	return nil
}
