package debug

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// mostFound is how many objects a search shows.
const mostFound = 50

// story is all that is known of an object. It is told by each controller that knows something.
func (h *history) story(key types.NamespacedName, now time.Time) (s story, known bool) {
	s = story{Controller: text(h.name), Waits: "The controller does not run."}
	if c := h.introspector(); c != nil {
		known = s.ask(c, key, now)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.last(key) {
		known = true
		s.Attempts = append(s.Attempts, one.view(now))
	}
	return s, known
}

// ask adds what the controller says of an object, and whether it has anything to do with it.
func (s *story) ask(c controller.Introspector, key types.NamespacedName, now time.Time) (known bool) {
	stats, i := c.Stats(), c.Inspect(key)
	s.Kind, s.Cached, s.Paused = text(stats.Kind.GroupKind().String()), i.Cached, pausedBy(i.Paused)
	if i.Running != nil {
		at := underWay(i.Running, now)
		s.Running = &at
	}
	s.Waits, s.Reasons = waits(i, now), reasons(i.Reasons, i.MoreReasons)
	for _, r := range i.Reads {
		what := nameOf(r.Key)
		if r.List != "" {
			what = text(r.List)
		}
		s.Reads = append(s.Reads, readView{text(r.Kind.String()), what})
	}
	var asked []schema.GroupKind
	for _, in := range stats.Caches {
		kind := in.Kind.GroupKind()
		if slices.Contains(asked, kind) {
			continue
		}
		asked = append(asked, kind)
		if by := c.Readers(kind, key); len(by) > 0 {
			r := readerView{Kind: text(kind.String())}
			for _, reader := range by[:min(len(by), mostFound)] {
				r.Keys = append(r.Keys, nameOf(reader))
			}
			s.ReadBy = append(s.ReadBy, r)
		}
	}
	return i.Cached || i.Running != nil || len(i.Reasons) > 0 || !i.Due.IsZero() || len(i.Reads) > 0 || len(s.ReadBy) > 0
}

// parkedFor says why objects are kept back.
var parkedFor = map[controller.ParkReason]string{
	controller.ParkedStale:     "until caches show what its own attempts wrote",
	controller.ParkedFilling:   "until the caches that it needs are full",
	controller.ParkedFailing:   "since it fails, and events come faster than once a second",
	controller.ParkedLoop:      "since it is in a reconcile loop: what it writes causes its next attempt, or another client undoes it",
	controller.ParkedAbandoned: "until an attempt of an earlier run has returned, which ignores its ctx",
	controller.ParkedPaused:    "since it is paused",
}

// String says that an object is paused, and until when.
func (p *pausedView) String() string {
	switch {
	case p.Error != "":
		return "It is paused: " + p.Error + "."
	case p.Until == nil:
		return "It is paused, until its annotation " + controller.PausedAnnotation + " changes."
	default:
		return "It is paused, until " + p.Until.Format(time.RFC3339) + "."
	}
}

// waits says what an object waits for.
func waits(i controller.Inspection, now time.Time) string {
	var all []string
	if i.Paused != nil {
		all = append(all, pausedBy(i.Paused).String())
	}
	if i.Running != nil {
		all = append(all, "An attempt is under way.")
	}
	switch {
	case i.Parked != "":
		all = append(all, fmt.Sprintf("It has been kept back for %s, %s.", span(now.Sub(i.ParkedSince)), parkedFor[i.Parked]))
	case i.Queued && i.Background:
		all = append(all, "It waits for a worker, behind objects that something happened to.")
	case i.Queued:
		all = append(all, "It waits for a worker.")
	}
	switch {
	case i.Due.IsZero():
	case i.Retry:
		all = append(all, fmt.Sprintf("It failed %d times in a row; the next attempt is in %s.", i.Failures, span(i.Due.Sub(now))))
	default:
		all = append(all, fmt.Sprintf("Apply or Cleanup asked for an attempt in %s.", span(i.Due.Sub(now))))
	}
	if len(all) == 0 {
		return "It waits for a change."
	}
	return strings.Join(all, " ")
}

// search finds the objects whose name has a text in it.
func (in *Inspector) search(what string) (found []objectView, more int) {
	for _, h := range in.histories() {
		kind := ""
		if c := h.introspector(); c != nil {
			kind = text(c.Stats().Kind.GroupKind().String())
		}
		for _, key := range h.matching(what) {
			if len(found) == mostFound {
				more++
				continue
			}
			found = append(found, objectView{text(h.name), kind, nameOf(key)})
		}
	}
	return found, more
}

// matching are the keys with a text in them, in their order.
func (h *history) matching(what string) (keys []types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.keys() {
		if strings.Contains(key.String(), what) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// keyOf reads namespace/name, or the name of an object without a namespace.
func keyOf(s string) types.NamespacedName {
	if namespace, name, ok := strings.Cut(s, "/"); ok {
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	return types.NamespacedName{Name: s}
}

// page makes an answer.
func (in *Inspector) page(key, search string, now time.Time) *page {
	p := &page{Now: now, Up: seconds(now.Sub(in.began))}
	in.mu.Lock()
	facts := slices.Clone(in.facts)
	in.mu.Unlock()
	for _, f := range facts {
		p.Facts = append(p.Facts, factView{f.name, factValue(f)})
	}
	switch {
	case key != "":
		p.Key = text(key)
		for _, h := range in.histories() {
			if s, known := h.story(keyOf(key), now); known {
				p.Stories = append(p.Stories, s)
			}
		}
	case search != "":
		p.Search = text(search)
		p.Found, p.More = in.search(search)
	default:
		for _, h := range in.histories() {
			p.Controllers = append(p.Controllers, h.overview(now))
		}
	}
	return p
}

// factValue asks a user's function, which may panic.
func factValue(f fact) (value string) {
	defer func() {
		if r := recover(); r != nil {
			value = text(kerr.Recovered(r).Error())
		}
	}()
	return text(f.value())
}
