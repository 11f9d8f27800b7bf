package fault

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Entry is a rule that was applied to a request.
type Entry struct {
	Rule   string // as it was written
	Method string // of HTTP
	URL    string // path and query
	Nth    int    // the request's number, of those that the rule matched
}

// String returns the entry in one line.
func (e Entry) String() string {
	return fmt.Sprintf("%s %s: number %d of %s", e.Method, e.URL, e.Nth, e.Rule)
}

// Log returns what was done so far, in its order.
func (i *Injector) Log() []Entry {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.log)
}

// Unused names the faults that did not happen: rules that were never applied, removed or
// not, those with a number in [Rule.Nth] that was not reached, and [Watches] that were held
// or broken off although there never was one.
func (i *Injector) Unused() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var unused []string
	for _, c := range i.rules {
		switch {
		case c.applied == 0:
			unused = append(unused, fmt.Sprintf("%s: never applied, it matched %d requests", c.rule, c.seen))
		case len(c.missing) > 0:
			unused = append(unused, fmt.Sprintf("%s: not applied to number %s, it matched %d requests", c.rule, list(c.missing), c.seen))
		}
	}
	var idle []string
	for resource, gate := range i.gates {
		if gate.idle() {
			idle = append(idle, fmt.Sprintf("Watches(%q): there was none", resource.String()))
		}
	}
	slices.Sort(idle)
	return append(unused, idle...)
}

// Check fails the test, when it ends, if there are [Injector.Unused] rules: a fault that did
// not happen tests nothing.
func (i *Injector) Check(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		if unused := i.Unused(); len(unused) > 0 {
			t.Errorf("fault: did not happen:\n\t%s", strings.Join(unused, "\n\t"))
		}
	})
}
