package debug

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kuberator/kuberator/controller"
)

// Options change what an [Inspector] remembers. nil and zero values mean the defaults.
type Options struct {
	// Objects is of how many objects the last attempts are remembered, for each controller: those that had
	// one last. Of further objects an attempt is remembered among the last 300 of all; unless it is one to ask
	// about, because it failed, wrote, had to wait, or caused itself: then the object takes the place of
	// another one. The default is 1,000, which takes some megabytes. Attempts is how many of each. The
	// default is 10.
	Objects, Attempts int
}

// Inspector is an Observer of controllers, and an [http.Handler] that shows what they do. Give one to all
// controllers of a process, as controller.Options.Observer, alone or among controller.Observers. It is safe for
// concurrent use. Its memory is bounded, see [Options].
type Inspector struct {
	opts  Options
	began time.Time

	byName sync.Map // the *history of each controller, by name

	mu    sync.Mutex
	facts []fact
}

// fact is something that a user wants to see on the page.
type fact struct {
	name  string
	value func() string
}

var (
	_ controller.Observer      = &Inspector{}
	_ controller.StatsObserver = &Inspector{}
)

// New returns an Inspector.
func New(opts *Options) *Inspector {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Objects, o.Attempts = max(cmp.Or(o.Objects, 1000), 1), max(cmp.Or(o.Attempts, 10), 1)
	return &Inspector{opts: o, began: time.Now()}
}

// Fact adds a line to the head of the page, such as who leads. value is called for each request, must return at
// once, and be safe for concurrent use. A second call for the same name takes the place of the first.
func (in *Inspector) Fact(name string, value func() string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.facts = append(slices.DeleteFunc(in.facts, func(f fact) bool { return f.name == name }), fact{name, value})
}

// of returns the history of a controller, by its name.
func (in *Inspector) of(name string) *history {
	known, ok := in.byName.Load(name)
	if !ok {
		known, _ = in.byName.LoadOrStore(name, newHistory(name, in.opts))
	}
	return known.(*history) //nolint:forcetypeassert // nothing else is in it
}

// histories are those of all controllers, in the order of their names.
func (in *Inspector) histories() (all []*history) {
	for _, known := range in.byName.Range {
		all = append(all, known.(*history)) //nolint:forcetypeassert // nothing else is in it
	}
	slices.SortFunc(all, func(a, b *history) int { return cmp.Compare(a.name, b.name) })
	return all
}

// Running implements [controller.StatsObserver].
func (in *Inspector) Running(c controller.Introspector) (ended func()) {
	return in.of(c.Stats().Controller).running(c)
}

// Started implements [controller.Observer].
func (*Inspector) Started(ctx context.Context, _ controller.Attempt) context.Context { return ctx }

// Ended implements [controller.Observer].
func (in *Inspector) Ended(_ context.Context, at controller.Attempt) { in.of(at.Controller).ended(&at) }

// Trouble implements [controller.Observer].
func (in *Inspector) Trouble(t controller.Trouble) { in.of(t.Controller).troubled(t) }
