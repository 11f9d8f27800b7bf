package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
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

// begin notes that a write is sent.
func (w *world) begin(at point, what fmt.Stringer) *writeRecord {
	rec := &writeRecord{at: at, verb: "external", since: w.history.len(), rested: w.history.quietFor() >= restBetween, when: time.Since(w.trace.began)}
	if of, ok := what.(written); ok {
		rec.api, rec.verb, rec.target = true, of.Verb, ref{of.Resource.GroupResource(), of.Key()}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, rec)
	return rec
}

// end notes what became of a write.
func (w *world) end(p *process, rec *writeRecord, code int, err error) {
	w.mu.Lock()
	rec.learn(w, p, err)
	if code >= http.StatusBadRequest {
		rec.result = fmt.Sprintf("refused: %d %s", code, http.StatusText(code))
	}
	idle := err == nil && rec.idle(code)
	forgotten := idle && rec.rested
	if forgotten {
		w.forget(rec)
	}
	w.mu.Unlock()
	if !forgotten {
		w.trace.add(entry{who: p.name, what: rec.at.String(), result: rec.result})
	}
	if !rec.masked && !idle {
		w.history.active()
	}
}

// idle reports whether a write has asked for what is there already: who does that again and again is at
// rest. Who is refused for another reason is not, as it tries again.
func (rec *writeRecord) idle(code int) bool {
	exists := rec.verb == "create" && code == http.StatusConflict
	return rec.api && !rec.effective && (code < http.StatusBadRequest || exists)
}

// forget neither counts nor shows a write that has changed nothing, at a time when the operator was at
// rest. How many there are depends on how long the run waits, and the next write of the name is to have
// the same number in each run.
func (w *world) forget(rec *writeRecord) {
	w.points[rec.at.name]--
	w.writes = slices.DeleteFunc(w.writes, func(r *writeRecord) bool { return r == rec })
}

func (rec *writeRecord) learn(w *world, p *process, err error) {
	rec.result = "changed nothing"
	if !rec.api {
		rec.effective, rec.result = err == nil, "done"
	} else if c, took := w.history.since(rec.since, p.name, rec.target); took {
		rec.effective, rec.target.key = true, c.Key
		rec.result = fmt.Sprintf("rv %d, %s", c.RV, changed(c))
		rec.masked = w.hidden(c)
		rec.status = c.Before != nil && c.After != nil && !reflect.DeepEqual(c.Before.Object["status"], c.After.Object["status"])
	}
	if err != nil {
		rec.result = err.Error()
	}
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
	of := ref{c.Resource.GroupResource(), c.Key}
	object := w.history.sameInEachRun(identity(of, objectOf(c)))
	shown := func(path string) bool { return !m.hides(of.resource.String(), object, path) }
	return len(paths) > 0 && !slices.ContainsFunc(paths, shown)
}

// due returns what the plan has for a write, once.
func (w *world) due(at point) (kind FaultKind, planned bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind, planned = w.plan.at(at.String()); !planned || w.struck[at] {
		return "", false
	}
	w.struck[at] = true
	return kind, true
}

// happened notes that a fault has happened at a write.
func (w *world) happened(kind FaultKind, p *process, at point) {
	w.strike(fmt.Sprintf("%s of %s: %s", kind, p.name, at))
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
		if rec.when >= from {
			counts[rec.at.name]++
			last[rec.at.name] = rec.result
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
