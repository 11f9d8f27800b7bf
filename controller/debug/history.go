package debug

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

const (
	// The throughput is shown for the last half hour.
	slots    = 60
	slotTime = 30 * time.Second
	// mostRecent is how many attempts of all objects are shown, and mostTroubles how much of what went
	// wrong outside of them.
	mostRecent, mostTroubles = 30, 10
)

// durations are the upper bounds of the bars of the histogram. Longer ones are in a bar of their own.
var durations = []time.Duration{
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond,
	time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, 100 * time.Second,
}

// history is what happened in one controller, as far as it is remembered.
type history struct {
	name     string
	attempts int // that are remembered of each object

	mu       sync.Mutex
	now      controller.Introspector // nil if it does not run
	runs     int
	slots    [slots]slot
	took     [12]int             // attempts by duration, see durations
	classes  map[string]*failure // by the class of the error
	recent   ring[attempt]
	troubles ring[trouble]
	objects  *lru.Cache                    // of *ring[attempt], by key
	names    map[types.NamespacedName]bool // those that are in objects, which cannot be listed
}

// slot is the attempts of some seconds.
type slot struct {
	at         int64 // which seconds
	ok, failed int
}

// attempt is what is remembered of one. An error is kept as text, since it may hold a whole object.
type attempt struct {
	controller.Attempt
	class, text string
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
	h := &history{
		name: name, attempts: opts.Attempts, classes: map[string]*failure{},
		recent: ring[attempt]{most: mostRecent}, troubles: ring[trouble]{most: mostTroubles}, names: map[types.NamespacedName]bool{},
	}
	h.objects = lru.NewWithEvictionFunc(opts.Objects, func(key lru.Key, _ any) {
		delete(h.names, key.(types.NamespacedName)) //nolint:forcetypeassert // nothing else is a key
	})
	return h
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
	one := attempt{Attempt: *at}
	if one.Err != nil {
		one.class, one.text = kerr.ClassOf(one.Err).String(), text(one.Err.Error())
	}
	one.Err = nil
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
	h.of(at.Key).add(one)
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

// of returns the attempts of an object.
func (h *history) of(key types.NamespacedName) *ring[attempt] {
	if known, ok := h.objects.Get(key); ok {
		return known.(*ring[attempt]) //nolint:forcetypeassert // nothing else is put there
	}
	r := &ring[attempt]{most: h.attempts}
	h.objects.Add(key, r)
	h.names[key] = true
	return r
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

// newest returns them, the last one first.
func (r *ring[E]) newest() []E {
	out := slices.Concat(r.all[r.next:], r.all[:r.next])
	slices.Reverse(out)
	return out
}
