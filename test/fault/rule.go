package fault

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Rule says which requests fail, and how. It is made by [On]. Each method returns a new rule and
// does not change the one that it is called on, so that rules can have a common beginning. Errors
// in a rule are reported by [New], [For] and [Injector.Add].
type Rule struct {
	target   target
	nth      []int // empty: not restricted
	from     int
	times    int // 0: not restricted
	outcomes []Outcome
	err      error    // the first thing that is wrong
	written  []string // the calls that made it
}

// On begins a rule for requests with a verb for a resource.
//
// The verb is one that RBAC has: get, list, watch, create, update, patch, delete or
// deletecollection. "read" stands for the first three, "write" for the others, "*" for all.
//
// The resource is given with its group: "configmaps", "deployments.apps",
// "widgets.example.com". Its subresources are others: "widgets.example.com/status".
// "*/status" is the status of all resources. "*" is every request, also those for
// subresources and for what is no resource, such as discovery; paths of the latter can be
// given too: "/version", "/apis*". Their verb is get.
//
// A rule that says no more applies to all those requests.
func On(verb, resource string) *Rule {
	r := &Rule{written: []string{fmt.Sprintf("On(%q, %q)", verb, resource)}}
	r.target, r.err = newTarget(verb, resource)
	return r
}

// Named restricts the rule to requests for one object: also its creation, if the name is not
// generated, and lists and watches that select it by metadata.name.
func (r *Rule) Named(name string) *Rule {
	r = r.with(fmt.Sprintf("Named(%q)", name), errorIf(name == "", "the name is empty"))
	r.target.name = name
	return r
}

// In restricts the rule to requests for one namespace. Lists and watches of all namespaces
// are not for that one.
func (r *Rule) In(namespace string) *Rule {
	r = r.with(fmt.Sprintf("In(%q)", namespace), errorIf(namespace == "", "the namespace is empty"))
	r.target.namespace = namespace
	return r
}

// Matching restricts the rule to requests for which a function returns true. It may read
// the request's body, but not change the request, and is called from several goroutines at once, before the request
// is counted.
func (r *Rule) Matching(matches func(*http.Request) bool) *Rule {
	r = r.with("Matching(…)", errorIf(matches == nil, "the function to match with is nil"))
	r.target.matching = append(slices.Clip(r.target.matching), matches)
	return r
}

// Nth restricts the rule to the requests with these numbers. A rule counts the requests that
// it matches from 1, also those to which an earlier rule applies.
func (r *Rule) Nth(numbers ...int) *Rule {
	wrong := len(numbers) == 0 || slices.Min(numbers) < 1
	r = r.with("Nth("+list(numbers)+")", errorIf(wrong, "requests are numbered from 1"))
	r.nth = append(slices.Clip(r.nth), numbers...)
	return r.countedOnce()
}

// From restricts the rule to the requests with this number (see [Rule.Nth]) and those after.
func (r *Rule) From(number int) *Rule {
	r = r.with(fmt.Sprintf("From(%d)", number), errorIf(number < 1, "requests are numbered from 1"))
	r.from = number
	return r.countedOnce()
}

// Times restricts how often the rule applies; after that, later rules can apply.
func (r *Rule) Times(n int) *Rule {
	r = r.with(fmt.Sprintf("Times(%d)", n), errorIf(n < 1, "a rule applies once at least"))
	r.times = n
	return r.countedOnce()
}

// Then says what happens to the requests. Of several outcomes, each surrounds those that
// follow: Then(Delay(d), Conflict()) waits and refuses, Then(CommitThenHang(), CallAfter(f))
// calls f while the client waits for ever. One that does not send the request must be last.
func (r *Rule) Then(outcomes ...Outcome) *Rule {
	names := make([]string, len(outcomes))
	var err error
	for i, o := range outcomes {
		names[i] = o.name
		switch {
		case err != nil:
		case o.do == nil:
			err = errors.New("an Outcome that no function of this package made")
		case o.err != nil:
			err = fmt.Errorf("%s: %w", o.name, o.err)
		case o.final && i < len(outcomes)-1:
			err = fmt.Errorf("%s does not send the request, so nothing can follow it", o.name)
		}
	}
	if len(r.outcomes) > 0 {
		err = errors.New("more than one Then: give one all the outcomes")
	}
	r = r.with("Then("+strings.Join(names, ", ")+")", err)
	r.outcomes = slices.Clone(outcomes)
	return r
}

// String returns the rule as it was written.
func (r *Rule) String() string { return strings.Join(r.written, ".") }

func (r *Rule) with(call string, err error) *Rule {
	next := *r
	next.written = append(slices.Clip(r.written), call)
	if next.err == nil {
		next.err = err
	}
	return &next
}

// countedOnce refuses numbers that exclude one another.
func (r *Rule) countedOnce() *Rule {
	if len(r.nth) > 0 && (r.from > 0 || r.times > 0) && r.err == nil {
		r.err = errors.New("Nth says it all: neither From nor Times go with it")
	}
	return r
}

// check returns what is wrong with a rule.
func (r *Rule) check() error {
	switch {
	case r == nil:
		return errors.New("fault: a rule is nil")
	case len(r.written) == 0:
		return errors.New("fault: a rule was not made by On")
	case r.err != nil:
		return fmt.Errorf("fault: rule %s: %w", r, r.err)
	case len(r.outcomes) == 0:
		return fmt.Errorf("fault: rule %s: nothing happens: Then is missing", r)
	}
	return nil
}

// applies reports whether the rule is for the request with a number, having been applied so
// many times.
func (r *Rule) applies(number, applied int) bool {
	if len(r.nth) > 0 {
		return slices.Contains(r.nth, number)
	}
	return number >= r.from && (r.times == 0 || applied < r.times)
}

func errorIf(wrong bool, text string) error {
	if wrong {
		return errors.New(text)
	}
	return nil
}

func list(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = fmt.Sprint(n)
	}
	return strings.Join(texts, ", ")
}
