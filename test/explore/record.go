package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/test/sim"
)

func isConflict(err error) bool { return apierrors.IsConflict(err) }

// changed is told of each change by the server, which is locked meanwhile.
func (w *world) changed(c sim.Change) {
	if w.history == nil || c.Session == "" {
		return // the server's own, at its start
	}
	r := ref{c.Resource.GroupResource(), c.Key}
	byOperator := isProcess(c.Session)
	w.history.add(c, byOperator)
	if notCompared.Has(r.resource.String()) {
		return
	}
	if !byOperator {
		w.trace.add(entry{who: c.Session, what: fmt.Sprintf("%s %s", c.Verb, r), result: changed(c)})
	}
	w.holds(Event{Change: &c, Process: c.Session})
	w.survives(c)
}

func isProcess(session string) bool {
	return strings.HasPrefix(session, "p") && len(session) > 1 && session[1] >= '0' && session[1] <= '9'
}

// number gives the next write of the operator its number.
func (w *world) number() int {
	rv := w.server.RV()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, writeRecord{rv: rv, step: w.step, at: time.Since(w.trace.began)})
	return len(w.writes)
}

// before is the resourceVersion of the cluster before the write that came before another.
func (w *world) before(n int) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes[max(n-2, 0)].rv
}

// carried notes what became of a write.
func (w *world) carried(p *process, n int, what fmt.Stringer, before int, err error) {
	e := entry{who: p.name, what: what.String(), write: n}
	rec := writeRecord{what: what.String(), result: "changed nothing"}
	if of, ok := what.(written); ok {
		rec.api, rec.verb = true, of.Verb
		rec.target = ref{of.Resource.GroupResource(), of.Key()}
		if c, took := w.history.since(before, p.name, rec.target); took {
			rec.effective, rec.target.key = true, c.Key
			of.Name = stableName(objectOf(c))
			rec.what, e.what = of.String(), of.String()
			rec.result = fmt.Sprintf("rv %d, %s", c.RV, changed(c))
			rec.masked = w.hidden(c)
		}
	} else {
		rec.effective, rec.verb, rec.result = err == nil, "external", "done"
	}
	if err != nil {
		rec.result = err.Error()
	}
	e.result = rec.result
	w.trace.add(e)
	if !rec.masked {
		w.history.active()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	rec.rv, rec.step, rec.at = w.writes[n-1].rv, w.writes[n-1].step, w.writes[n-1].at
	w.writes[n-1] = rec
}

// hidden reports whether a change is one of masked fields alone.
func (w *world) hidden(c sim.Change) bool {
	if c.Before == nil || c.After == nil {
		return false
	}
	m := w.limits.mask
	if m == nil {
		m = w.suite.mask
	}
	_, _, paths := compare(c)
	shown := func(path string) bool { return !m.hides(c.Resource.GroupResource().String(), path) }
	return len(paths) > 0 && !slices.ContainsFunc(paths, shown)
}

// happened notes that a fault has happened.
func (w *world) happened(n int, kind FaultKind, p *process, what fmt.Stringer) {
	w.trace.add(entry{who: "fault", what: fmt.Sprintf("%s at U%d of %s: %s", kind, n, p.name, what), write: n, planned: true})
}

// effect notes a write to an external system that takes effect now.
func (w *world) effect(p *process, e effect) {
	w.mu.Lock()
	w.effects = append(w.effects, e)
	w.mu.Unlock()
	w.holds(Event{System: e.system, Op: e.op, Key: e.key, Process: p.name})
}

// touched is the annotation that another client sets in between.
const touched = "explore.kuberator.dev/touched"

// touch changes the object of a write a moment before it.
func (w *world) touch(what fmt.Stringer) {
	of, ok := what.(written)
	if !ok || of.Name == "" || of.Verb == "create" {
		return
	}
	client, err := dynamic.NewForConfig(w.userSession.Config())
	if err != nil {
		return
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{touched: "yes"}}})
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	o, err := client.Resource(of.Resource).Namespace(of.Namespace).Patch(ctx, of.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return // it does not exist: an apply that creates
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touched[ref{of.Resource.GroupResource(), of.Key()}] = o.GetUID()
}

// survives finds writes that undo what another client has set meanwhile.
func (w *world) survives(c sim.Change) {
	if c.After == nil || !isProcess(c.Session) {
		return
	}
	r := ref{c.Resource.GroupResource(), c.Key}
	w.mu.Lock()
	uid, was := w.touched[r]
	w.mu.Unlock()
	if was && uid == c.After.GetUID() && c.After.GetAnnotations()[touched] == "" {
		w.fail("lost update: %s %s by %s has removed the annotation that somebody else set right before it; "+
			"an update must carry the resourceVersion that was read, or a patch name only what is yours", c.Verb, r, c.Session)
	}
}

// repeated says which writes the operator does again and again, for an error.
func (w *world) repeated(within time.Duration) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := time.Since(w.trace.began) - within
	counts := map[string]int{}
	last := map[string]string{}
	for _, rec := range w.writes {
		if rec.at >= from && rec.what != "" {
			counts[rec.what]++
			last[rec.what] = rec.result
		}
	}
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return counts[b] - counts[a] })
	var lines []string
	for _, name := range names[:min(len(names), 3)] {
		lines = append(lines, fmt.Sprintf("%s, %d times in %s, the last time: %s", name, counts[name], within, last[name]))
	}
	return strings.Join(lines, "; ")
}
