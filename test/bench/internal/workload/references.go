package workload

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// references is a change of an object that others have in a list: those are woken, and nobody else, and it must not
// matter how many other lists there are. A tenth of the Widgets have ConfigMaps of their team. These are there from the
// beginning, and the changes are measured with them alone; then the others come, which find none, and the same changes
// are measured again.
var references = Workload{
	Name:  "references",
	About: "10,000 objects each read a list by label, and 10,000 times an object in it changes that is in 4 of these lists, with 16 workers; per change",
	Full:  Size{Objects: 10_000, Times: 40}, Short: Size{Objects: 400, Times: 2},
	Rounds: 2,
	API:    &API{Core: []string{"configmaps"}, CRDs: [][]byte{widget.CRD}, Fill: teams, Drive: driveTeams},
	Contenders: []Contender{
		by(runReferences)(Kuberator, contender.KuberatorReferences),
		by(runReferences)(Floor, contender.ClientGoReferences),
		by(runReferences)(Peer, contender.RuntimeReferences(contender.RuntimeOptions{})),
		by(runReferences)(Tuned, contender.RuntimeReferences(contender.RuntimeOptions{Tuned: true})),
	},
	Bars: []Bar{
		{Metric: "looks", AtMost: readers, Count: true},
		{Metric: "growth", AtMost: 1.1},
		{Metric: "cpu", Against: Floor, AtMost: 1.05},
		{Metric: "cpu", Against: Peer, AtMost: 0.75},
		{Metric: "cpu", Against: Tuned, AtMost: 1},
	},
	Chart: []string{"cpu", "growth"},
}

const (
	// readers is how many Widgets have the same list.
	readers = 4
	// others is how many times as many Widgets there are in the end as have ConfigMaps in their list.
	others = 10
)

func teamName(team int) string { return fmt.Sprintf("team-%06d", team) }

// revision sorts as its number does.
func revision(round int) string { return fmt.Sprintf("%06d", round) }

func newReader(i int) map[string]any {
	w := newWidget(i)
	w["spec"].(map[string]any)["settings"] = map[string]any{contender.Team: teamName(i / readers)}
	return w
}

// teams makes the first Widgets, and a ConfigMap for each of their teams.
func teams(ctx context.Context, cfg *rest.Config, size Size) error {
	few := size.Objects / others
	err := create(ctx, cfg, corev1.SchemeGroupVersion.WithResource("configmaps"), few/readers, func(i int) map[string]any {
		return map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": teamName(i), "labels": map[string]any{contender.Team: teamName(i), "app": "bench"}},
			"data":     map[string]any{contender.Revision: revision(0), "image": "registry.example.com/app:1.2.3"},
		}
	})
	if err != nil {
		return err
	}
	return create(ctx, cfg, widget.GroupVersion().WithResource("widgets"), few, newReader)
}

func driveTeams(ctx context.Context, cfg *rest.Config, step Step) error {
	n := step.To - step.From
	switch step.What {
	case "widgets": // come
		return create(ctx, cfg, widget.GroupVersion().WithResource("widgets"), n, func(i int) map[string]any { return newReader(step.From + i) })
	case "teams": // change
		client, err := dynamic.NewForConfig(cfg)
		if err != nil {
			return err
		}
		change := fmt.Sprintf(`{"data": {%q: %q}}`, contender.Revision, revision(step.Round))
		return each(n, func(i int) error {
			return patch(ctx, client, corev1.SchemeGroupVersion.WithResource("configmaps"), teamName(step.From+i), change)
		})
	default:
		return fmt.Errorf("%s: %w", step.What, errStep)
	}
}

// readings are what an operator read.
type readings struct {
	running *running // counts the Widgets that have read the latest revision

	looks  looks // all
	latest []atomic.Pointer[string]
	rounds int
}

func (r *readings) looked(w *widget.Widget, revision string) {
	r.looks.one()
	i, err := strconv.Atoi(strings.TrimPrefix(w.Name, "widget-"))
	if err != nil || i >= len(r.latest) {
		return
	}
	if was := r.latest[i].Swap(&revision); was != nil && *was < revision {
		r.running.did()
	}
}

func runReferences(ctx context.Context, p *Process, makeOp contender.References) error {
	few, times := p.Size.Objects/others, p.Size.Times
	changed := few / readers
	r := &readings{running: newRunning(0), latest: make([]atomic.Pointer[string], few)}
	op, err := makeOp(p.Config, r.looked)
	if err != nil {
		return err
	}
	r.running.run(ctx, op)
	if err := r.looks.first(ctx, few); err != nil {
		return errors.Join(err, r.running.stop())
	}
	before, _, err := r.changes(ctx, p, changed, times)
	if err != nil {
		return errors.Join(err, r.running.stop())
	}
	all := int(r.looks.Load()) + p.Size.Objects - few
	err = errors.Join(p.Drive(ctx, Step{What: "widgets", From: few, To: p.Size.Objects}), r.looks.first(ctx, all))
	if err != nil {
		return errors.Join(err, r.running.stop())
	}
	after, looks, err := r.changes(ctx, p, changed, times)
	if err != nil {
		return errors.Join(err, r.running.stop())
	}
	n := changed * times
	p.reportMeter(after, n)
	p.Report("looks", "/change", float64(looks)/float64(n))
	p.Report("cpu with a tenth of the lists", "µs", float64(before.cpu.Microseconds())/float64(n))
	p.Report("growth", "", float64(after.cpu)/float64(before.cpu))
	return r.running.stop()
}

// changes measures rounds in which the first n ConfigMaps are changed once. A round ends when all whose list it is in have read it.
func (r *readings) changes(ctx context.Context, p *Process, n, times int) (*meter, int64, error) {
	var m meter
	before := r.looks.Load()
	err := p.measure(&m, func() error {
		for range times {
			r.rounds++
			step := Step{What: "teams", To: n, Round: r.rounds}
			if err := r.running.round(ctx, n*readers, func() error { return p.Drive(ctx, step) }); err != nil {
				return err
			}
		}
		return nil
	}, r.looks.settle)
	return &m, r.looks.Load() - before, err
}
