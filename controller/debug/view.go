package debug

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// What a request is answered with, in each format. Durations are in seconds, names are as the log has
// them: characters that could do harm in a terminal are escaped.

// page is an answer.
type page struct {
	Now         time.Time
	Up          seconds // how long the Inspector is there
	Facts       []factView
	Search      string `json:",omitempty"` // what was searched for
	Found       []objectView
	More        int              `json:",omitempty"` // that were found and are not shown
	Controllers []controllerView `json:",omitempty"`
	Stories     []story          `json:",omitempty"`
	Key         string           `json:",omitempty"` // of the stories
}

type factView struct{ Name, Value string }

// seconds are a duration as JSON has it: a number of seconds.
type seconds time.Duration

// objectView is an object of a controller.
type objectView struct{ Controller, Kind, Key string }

// controllerView is one controller.
type controllerView struct {
	Name, Kind     string
	State          string // "running", "filling its caches", "not running"
	Wrong          bool   // somebody should look at it
	Workers        int
	Queued         int // objects that wait for a worker
	Background     int // of those, the ones behind
	Retrying       int
	Requeued       int
	Stuck          int
	Adds, Echoes   uint64
	Bypassed       uint64
	Parked         []parkedView
	Kept           []keptView
	Running        []attemptView
	Caches         []cacheView
	Throughput     []slotView // the oldest first
	Durations      []barView
	Failures       []failureView
	Troubles       []troubleView
	Recent         []attemptView
	Succeeded, Bad int // in the time of Throughput
}

type parkedView struct {
	Why     string
	Objects int
	Longest seconds
}

type keptView struct {
	Key, Why string
	For      seconds
	Until    *time.Time `json:",omitempty"` // the end of a pause
}

// pausedView is the pause of an object. Error says what is wrong with the annotation.
type pausedView struct {
	Until *time.Time `json:",omitempty"`
	Error string     `json:",omitempty"`
}

// pausedBy shows a pause, or nil.
func pausedBy(p *controller.Pause) *pausedView {
	if p == nil {
		return nil
	}
	v := &pausedView{}
	if until := p.Until.UTC(); !p.Until.IsZero() {
		v.Until = &until
	}
	if p.Err != nil {
		v.Error = text(p.Err.Error())
	}
	return v
}

type cacheView struct {
	Kind    string
	Objects int
	Full    bool
	Lag     seconds
}

type slotView struct{ OK, Failed int }

type barView struct {
	UpTo     string
	Attempts int
}

type failureView struct {
	Class string
	Count int
	Last  attemptView
}

type troubleView struct {
	Op, Kind, Key, Class, Error string
	Ago                         seconds
}

// attemptView is an attempt that has ended, or one under way.
type attemptView struct {
	Key      string
	Op       string   `json:",omitempty"`
	Reasons  []string `json:",omitempty"`
	Started  time.Time
	Ago      seconds
	Took     seconds
	Queued   seconds `json:",omitempty"`
	Parked   seconds `json:",omitempty"`
	Writes   int
	Class    string   `json:",omitempty"` // of the error; empty if it succeeded
	Error    string   `json:",omitempty"`
	Failures int      `json:",omitempty"`
	Next     *seconds `json:",omitempty"` // until the next one, nil if none is scheduled
	Self     bool     `json:",omitempty"` // its own writes caused it
}

// story is one object of one controller.
type story struct {
	Controller, Kind string
	Cached           bool
	Paused           *pausedView  `json:",omitempty"`
	Running          *attemptView `json:",omitempty"`
	Waits            string       // what it waits for, in a sentence
	Reasons          []string     `json:",omitempty"` // for the next attempt
	Attempts         []attemptView
	Reads            []readView
	ReadBy           []readerView
}

type readView struct{ Kind, What string }

type readerView struct {
	Kind string // of the object that they read, which has the name of the story
	Keys []string
}

func text(s string) string { return kerr.Text(s, kerr.MaxLog) }

func nameOf(key types.NamespacedName) string { return text(strings.TrimPrefix(key.String(), "/")) }

// overview is one controller, with all that is remembered of it.
func (h *history) overview(now time.Time) controllerView {
	v := controllerView{Name: text(h.name), State: "not running", Wrong: true}
	if c := h.introspector(); c != nil {
		v.fill(c, now)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for at := now.UnixNano()/int64(slotTime) - slots + 1; len(v.Throughput) < slots; at++ {
		var s slot
		if there := h.slots[uint64(at)%slots]; there.at == at {
			s = there
		}
		v.Throughput = append(v.Throughput, slotView{s.ok, s.failed})
		v.Succeeded, v.Bad = v.Succeeded+s.ok, v.Bad+s.failed
	}
	for n, count := range h.took {
		upTo := "more"
		if n < len(durations) {
			upTo = durations[n].String()
		}
		v.Durations = append(v.Durations, barView{upTo, count})
	}
	for class, f := range h.classes {
		v.Failures = append(v.Failures, failureView{class, f.count, f.last.view(now)})
	}
	slices.SortFunc(v.Failures, func(a, b failureView) int { return cmp.Compare(a.Last.Ago, b.Last.Ago) })
	for _, t := range h.troubles.newest() {
		v.Troubles = append(v.Troubles, troubleView{string(t.Op), text(t.Kind.String()), nameOf(t.Key), t.class, t.text, seconds(now.Sub(t.at))})
	}
	recent := h.recent.newest()
	for _, one := range recent[:min(mostShown, len(recent))] {
		v.Recent = append(v.Recent, one.view(now))
	}
	return v
}

// fill adds what the controller is at now.
func (v *controllerView) fill(c controller.Introspector, now time.Time) {
	s := c.Stats()
	v.Kind, v.Workers, v.Stuck = text(s.Kind.GroupKind().String()), s.Workers, s.Stuck
	v.Queued, v.Background, v.Retrying, v.Requeued = s.Queued, s.Background, s.Retrying, s.Requeued
	v.Adds, v.Echoes, v.Bypassed = s.Adds, s.Echoes, s.Bypassed
	switch {
	case !s.Running:
	case !s.Ready:
		v.State = "filling its caches"
	default:
		v.State, v.Wrong = "running", s.Stuck > 0
	}
	for _, p := range s.Parked {
		v.Parked = append(v.Parked, parkedView{string(p.Why), p.Objects, seconds(p.Longest)})
	}
	for _, key := range s.Kept {
		if i := c.Inspect(key); i.Parked != "" {
			one := keptView{Key: nameOf(key), Why: string(i.Parked), For: seconds(now.Sub(i.ParkedSince))}
			if i.Paused != nil {
				one.Until = pausedBy(i.Paused).Until
			}
			v.Kept = append(v.Kept, one)
		}
	}
	for _, at := range s.Attempts {
		v.Running = append(v.Running, underWay(&at, now))
	}
	for _, in := range s.Caches {
		v.Caches = append(v.Caches, cacheView{text(in.Kind.GroupKind().String()), in.Objects, in.Full, seconds(in.Lag)})
	}
}

func reasons(all []controller.Reason, more int) (out []string) {
	for _, r := range all {
		out = append(out, text(r.String()))
	}
	if more > 0 {
		out = append(out, "and others")
	}
	return out
}

// underWay is an attempt that has not ended.
func underWay(at *controller.Attempt, now time.Time) attemptView {
	age := seconds(now.Sub(at.Start))
	return attemptView{Key: nameOf(at.Key), Reasons: reasons(at.Reasons, at.MoreReasons), Started: at.Start, Ago: age, Took: age}
}

func (a *attempt) view(now time.Time) attemptView {
	v := attemptView{
		Key: nameOf(a.key), Reasons: reasons(a.reasons, a.more), Started: a.start,
		Op: string(a.op), Took: seconds(a.took), Ago: seconds(now.Sub(a.start.Add(a.took))),
		Queued: seconds(a.queued), Parked: seconds(a.parked), Writes: a.writes, Self: a.self,
		Class: a.class, Error: a.text, Failures: a.failures,
	}
	if a.next >= 0 {
		next := seconds(a.next)
		v.Next = &next
	}
	return v
}
