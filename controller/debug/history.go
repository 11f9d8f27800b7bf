package debug

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

const (
	// The throughput is shown for the last half hour.
	slots    = 60
	slotTime = 30 * time.Second
	// mostRecent is how many attempts of all objects are remembered, and mostTroubles how much of what went
	// wrong outside of them.
	mostRecent, mostTroubles = 300, 10
	mostShown                = 30 // of the recent ones
)

// durations are the upper bounds of the bars of the histogram. Longer ones are in a bar of their own.
var durations = []time.Duration{
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond,
	time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, 100 * time.Second,
}

// history is what happened in one controller, as far as it is remembered.
type history struct {
	name string

	mu       sync.Mutex
	now      controller.Introspector // nil if it does not run
	runs     int
	slots    [slots]slot
	took     [12]int             // attempts by duration, see durations
	classes  map[string]*failure // by the class of the error
	recent   ring[attempt]
	troubles ring[trouble]
	objects  objects
}

// slot is the attempts of some seconds.
type slot struct {
	at         int64 // which seconds
	ok, failed int
}

// attempt is what is remembered of one: what is shown, and little that the garbage collector has to follow. An
// error is kept as text, since it may hold a whole object.
type attempt struct {
	key                        types.NamespacedName
	op                         kerr.Op
	reasons                    []controller.Reason
	more                       int
	self                       bool
	start                      time.Time
	took, queued, parked, next time.Duration
	writes, failures           int
	class, text                string
}

func remembered(at *controller.Attempt) attempt {
	a := attempt{
		key: at.Key, op: at.Op, reasons: at.Reasons, more: at.MoreReasons, self: at.SelfTriggered,
		start: at.Start, took: at.Duration, queued: at.Queued, parked: at.Parked, next: at.Next, writes: at.Writes, failures: at.Failures,
	}
	if at.Err != nil {
		a.class, a.text = kerr.ClassOf(at.Err).String(), text(at.Err.Error())
	}
	return a
}

// failure is the last attempt that failed with a class of errors.
type failure struct {
	count int
	last  attempt
}

type trouble struct {
	controller.Trouble
	at          time.Time
	class, text string
}

func newHistory(name string, opts Options) *history {
	return &history{
		name: name, classes: map[string]*failure{}, objects: newObjects(opts.Objects, opts.Attempts),
		recent: ring[attempt]{most: mostRecent}, troubles: ring[trouble]{most: mostTroubles},
	}
}

// running notes that a controller runs. Of two with one name, the later one is shown.
func (h *history) running(c controller.Introspector) (ended func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs++
	run := h.runs
	h.now = c
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.runs == run {
			h.now = nil
		}
	}
}

// introspector is the controller, or nil if it does not run. It is asked without h.mu: it takes locks of its
// own, which its workers may hold while they call the Inspector.
func (h *history) introspector() controller.Introspector {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *history) ended(at *controller.Attempt) {
	one := remembered(at)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.slot(at.Start.Add(at.Duration))
	if one.class == "" {
		s.ok++
	} else {
		s.failed++
		h.failed(one)
	}
	h.took[bar(at.Duration)]++
	h.recent.add(one)
	if of := h.objects.of(at.Key, eventful(at)); of != nil {
		of.add(one)
	}
}

// eventful reports whether an attempt is one that people ask about. The others are nearly all of them: a
// resync of many objects must not have those forgotten that are of interest, and must cost little.
func eventful(at *controller.Attempt) bool {
	return at.Err != nil || at.Writes > 0 || at.SelfTriggered || at.Parked > 0 || at.DeletionBlocked || at.Bypassed
}

// last returns the attempts of an object, the last one first. h.mu is held.
func (h *history) last(key types.NamespacedName) []attempt {
	if of := h.objects.get(key); of != nil {
		return of.newest()
	}
	of := ring[attempt]{most: h.objects.attempts}
	for _, one := range slices.Backward(h.recent.newest()) {
		if one.key == key {
			of.add(one)
		}
	}
	return of.newest()
}

// keys are those of all objects of which an attempt is remembered. h.mu is held.
func (h *history) keys() map[types.NamespacedName]bool {
	keys := map[types.NamespacedName]bool{}
	for key := range h.objects.at {
		keys[key] = true
	}
	for _, one := range h.recent.all {
		keys[one.key] = true
	}
	return keys
}

// slot returns the slot of a time, empty if it was that of an earlier one.
func (h *history) slot(t time.Time) *slot {
	at := t.UnixNano() / int64(slotTime)
	s := &h.slots[uint64(at)%slots]
	if s.at != at {
		*s = slot{at: at}
	}
	return s
}

// bar is the bar of the histogram that a duration belongs to.
func bar(d time.Duration) int {
	n, _ := slices.BinarySearch(durations, d)
	return n
}

func (h *history) failed(one attempt) {
	f := h.classes[one.class]
	if f == nil {
		f = &failure{}
		h.classes[one.class] = f
	}
	f.count++
	f.last = one
}

func (h *history) troubled(t controller.Trouble) {
	one := trouble{Trouble: t, at: time.Now(), class: kerr.ClassOf(t.Err).String(), text: text(t.Err.Error())}
	one.Err = nil
	h.mu.Lock()
	defer h.mu.Unlock()
	h.troubles.add(one)
}

// ring is the last things of many.
type ring[E any] struct {
	most int
	all  []E
	next int // where the next one goes, when it is full
}

func (r *ring[E]) add(one E) {
	if len(r.all) < r.most {
		r.all = append(r.all, one)
		return
	}
	r.all[r.next] = one
	r.next = (r.next + 1) % r.most
}

// clear forgets them, and keeps the memory.
func (r *ring[E]) clear() {
	clear(r.all)
	r.all, r.next = r.all[:0], 0
}

// newest returns them, the last one first.
func (r *ring[E]) newest() []E {
	out := slices.Concat(r.all[r.next:], r.all[:r.next])
	slices.Reverse(out)
	return out
}
