package fault

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Injector applies rules to the requests of clients. It is safe for concurrent use.
//
// In a bubble of testing/synctest, everything that it waits on belongs to the bubble of the
// waiting request.
type Injector struct {
	mu    sync.Mutex
	rules []*counted // also those removed
	log   []Entry
	gates map[schema.GroupResource]*gate
}

// counted is a rule at work.
type counted struct {
	rule    *Rule
	seen    int // requests that it matched
	applied int
	missing []int // of Nth, those still to come
	removed bool
}

// New returns an Injector with these rules, in their order: of those whose count says so, the
// first applies. There may be none.
//
// # Errors
//
// A rule with an unknown verb, without a resource, without Then, or with a number or a
// duration that cannot be. The error names the rule.
func New(rules ...*Rule) (*Injector, error) {
	i := &Injector{gates: map[schema.GroupResource]*gate{}}
	if err := i.Add(rules...); err != nil {
		return nil, err
	}
	return i, nil
}

// For is [New] for a test: it fails at once if there is something wrong with a rule, and at
// its end if a rule was not applied, as with [Injector.Check].
func For(t testing.TB, rules ...*Rule) *Injector {
	t.Helper()
	i, err := New(rules...)
	if err != nil {
		t.Fatal(err)
	}
	i.Check(t)
	return i
}

// Config returns a copy of a configuration, whose clients' requests pass through the
// Injector. Several configurations may, of one server or of several; the rules count their
// requests together.
func (i *Injector) Config(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &transport{injector: i, next: next} })
	return cfg
}

// Add appends rules to those that there are. It counts requests from now on. If there is
// something wrong with one of them, as with [New], none is added.
func (i *Injector) Add(rules ...*Rule) error {
	var errs []error
	added := make([]*counted, 0, len(rules))
	for _, r := range rules {
		if err := r.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		added = append(added, &counted{rule: r, missing: slices.Clone(r.nth)})
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules = append(i.rules, added...)
	return nil
}

// Remove takes a rule away; it is one that was given to [New], [For] or [Injector.Add], not a
// copy. Requests to which it is already applied are not affected. Removing it again, or one that
// was never there, does nothing.
func (i *Injector) Remove(rule *Rule) {
	i.remove(func(c *counted) bool { return c.rule == rule })
}

// Clear removes all rules. Watches stay as they are: see [Watches.Release].
func (i *Injector) Clear() {
	i.remove(func(*counted) bool { return true })
}

func (i *Injector) remove(which func(*counted) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, c := range i.rules {
		c.removed = c.removed || which(c)
	}
}

// choose returns the rule that applies to a request, nil if none does.
func (i *Injector) choose(x *exchange) *Rule {
	i.mu.Lock()
	candidates := make([]*counted, 0, len(i.rules))
	for _, c := range i.rules {
		if !c.removed {
			candidates = append(candidates, c)
		}
	}
	i.mu.Unlock()
	// Without the lock, for it may call the user's code.
	candidates = slices.DeleteFunc(candidates, func(c *counted) bool { return !c.rule.target.matches(x) })

	i.mu.Lock()
	defer i.mu.Unlock()
	var chosen *counted
	for _, c := range candidates {
		c.seen++
		if chosen == nil && !c.removed && c.rule.applies(c.seen, c.applied) {
			chosen = c
		}
	}
	if chosen == nil {
		return nil
	}
	chosen.applied++
	chosen.missing = slices.DeleteFunc(chosen.missing, func(n int) bool { return n == chosen.seen })
	i.log = append(i.log, Entry{Rule: chosen.rule.String(), Method: x.request.Method, URL: x.request.URL.RequestURI(), Nth: chosen.seen})
	return chosen.rule
}
