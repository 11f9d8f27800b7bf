package explore

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// reference is what happens without faults.
type reference struct {
	outcome
	states []state
	mask   *mask
}

// refer makes four runs without faults. The first one is what the others, and those with faults, are
// compared with. In the second one requests take time, and what the server makes up is other: what
// differs then is masked. In the others watches are late: what differs then depends on who is first,
// which is wrong.
func (s *suite) refer(t *testing.T) (*reference, error) {
	t.Helper()
	first, err := s.faultless(t, "", limits{quiet: s.quiet, seed: 1})
	if err != nil {
		return nil, err
	}
	short := min(s.quiet, 10*time.Minute)
	second, err := s.faultless(t, ", when requests take a second", limits{quiet: short, seed: 2, slow: slowRequests})
	if err != nil {
		return nil, err
	}
	r := &reference{outcome: *first, mask: s.mask}
	for _, at := range first.rests {
		r.states = append(r.states, at.state)
	}
	var differing []leaf
	for i, is := range second.rests {
		for _, d := range is.state.differences(r.states[i], s.mask) {
			if d.path == "" {
				return nil, first.differs(second, i, d, "Does a name depend on the time, on chance, or on who is first? Derive it from the object that it is for, or use a generateName")
			}
			differing = append(differing, d.leaf)
		}
	}
	r.mask = s.mask.with(append(differing, r.statusOfOthers()...))
	if err := s.race(t, r, short); err != nil {
		return nil, err
	}
	return r, r.comparable(len(differing))
}

// statusOfOthers are the generations in a status that the script has written and the operator has not:
// nobody writes them again when a plan has the object change once more.
func (r *reference) statusOfOthers() (out []leaf) {
	byOperator := map[string]bool{}
	for _, w := range r.writes {
		if w.effective && w.status {
			byOperator[w.target.resource.String()] = true
		}
	}
	for _, at := range r.states {
		for object, f := range at {
			for path := range f.values {
				if isObservedGeneration(path) && !byOperator[f.resource] {
					out = append(out, leaf{f.resource, object, path})
				}
			}
		}
	}
	return out
}

// race makes the two runs in which watches are late, and returns an error if what the operator leaves
// depends on which of its watches is first.
func (s *suite) race(t *testing.T, r *reference, quiet time.Duration) error {
	t.Helper()
	const why = "The operator has a race of its own: what it leaves depends on which of its watches is first. (If that is meant, name the field in Case.Mask)"
	var late []*outcome
	for _, slow := range []slowness{slowWatches, slowWatchesToo} {
		o, err := s.faultless(t, ", when watches are late", limits{quiet: quiet, seed: 1, slow: slow, mask: r.mask})
		if err != nil {
			return err
		}
		late = append(late, o)
	}
	for i, is := range r.states {
		for _, o := range late {
			for _, d := range o.rests[i].state.differences(is, r.mask) {
				return r.differs(o, i, d, why)
			}
		}
		// Fields that are masked, since requests that take time made them differ, can depend on that too:
		// then each way is one that was seen before. A time, or chance, is another one each time.
		for _, d := range late[1].rests[i].state.differences(late[0].rests[i].state, s.mask) {
			if timePattern.MatchString(d.want) || timePattern.MatchString(d.got) {
				continue
			}
			switch is[d.object].values[d.path] {
			case d.want:
				return r.differs(late[1], i, d, why)
			case d.got:
				d.want, d.got = d.got, d.want
				return r.differs(late[0], i, d, why)
			}
		}
	}
	return nil
}

// timePattern finds dates, and seconds since 1970.
var timePattern = regexp.MustCompile(`\d{4}-\d\d-\d\d|\b\d{9,}\b`)

// faultless makes a run without faults, in which everything must be right.
func (s *suite) faultless(t *testing.T, when string, l limits) (*outcome, error) {
	t.Helper()
	l.bound = 3*s.quiet + 2*time.Hour
	o, err := s.try(t, nil, l)
	if err != nil {
		return nil, fmt.Errorf("the script cannot be run without any fault%s: %w\n\n%s", when, err, table(o.entries))
	}
	if logged := firstAlarm(o.entries); logged != "" && len(o.failures) == 0 {
		o.failures = append(o.failures, "it logs an error, though nothing has gone wrong: "+logged)
	}
	if len(o.failures) > 0 {
		return nil, fmt.Errorf("the operator is wrong without any fault%s:\n  %s\n\n%s", when, strings.Join(o.failures, "\n  "), table(o.tail(25)))
	}
	return &o, nil
}

// differs is the error for two runs without faults that do not leave the same.
func (o *outcome) differs(other *outcome, settle int, d difference, why string) error {
	return fmt.Errorf("two runs without faults differ in what they leave after the %s settle: %s in the second one. %s.\n\nThe first run:\n%s\nThe second run, in which other things take time:\n%s",
		ordinal(settle+1), d, why, table(o.tail(25)), table(other.tail(25)))
}

// comparable reports a mask that leaves nothing to compare.
func (r *reference) comparable(differing int) error {
	for _, is := range r.states {
		if len(is) > 0 && !is.visible(r.mask) && is.visible(&mask{}) {
			return errors.New("the mask hides all that is left after the script, so that nothing would be compared: " +
				fmt.Sprintf("Case.Mask, and %d fields that differ between runs: %v", differing, r.mask.rules))
		}
	}
	return nil
}

// tail are the last entries of the trace.
func (o *outcome) tail(n int) []entry { return o.entries[max(len(o.entries)-n, 0):] }
