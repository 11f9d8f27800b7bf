package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/fault"
)

// faults returns what makes requests fail as rules say; nil if there are none. The text is one rule
// for each line, or with ; in between; or it is @ and the name of a file with such a text. What
// follows # is a comment.
func faults(text string) (func(http.RoundTripper) http.RoundTripper, error) {
	if name, isFile := strings.CutPrefix(text, "@"); isFile {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("-faults: %w", err)
		}
		text = string(data)
	}
	var rules []*fault.Rule
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for part := range strings.SplitSeq(line, ";") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			rule, err := parseRule(strings.Fields(part))
			if err != nil {
				return nil, fmt.Errorf("-faults: %q: %w", strings.TrimSpace(part), err)
			}
			rules = append(rules, rule)
		}
	}
	if len(rules) == 0 {
		return nil, nil
	}
	injector, err := fault.New(rules...)
	if err != nil {
		return nil, fmt.Errorf("-faults: %w", err)
	}
	return injector.Config(&rest.Config{}).WrapTransport, nil
}

// parseRule reads a rule: VERB RESOURCE, then which of those requests, then what happens to them.
func parseRule(words []string) (*fault.Rule, error) {
	if len(words) < 3 {
		return nil, fmt.Errorf("a rule is a verb, a resource, and what happens, as in %q", "update widgets.example.com conflict")
	}
	rule := fault.On(words[0], words[1])
	var outcomes []fault.Outcome
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		if narrower, known, err := narrow(rule, name, value); known {
			if err != nil {
				return nil, fmt.Errorf("%s: %w", word, err)
			}
			rule = narrower
			continue
		}
		outcome, err := parseOutcome(name, value)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, outcome)
	}
	if len(outcomes) == 0 {
		return nil, fmt.Errorf("it does not say what happens: one of %s", strings.Join(outcomeNames(), ", "))
	}
	return rule.Then(outcomes...), nil
}

// narrow restricts a rule to some requests; known is false if the word is none that does.
func narrow(rule *fault.Rule, name, value string) (narrower *fault.Rule, known bool, err error) {
	var numbers []int
	switch name {
	case "nth", "from", "times":
		for text := range strings.SplitSeq(value, ",") {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, true, fmt.Errorf("%q is no number", text)
			}
			numbers = append(numbers, n)
		}
	}
	switch name {
	case "name":
		return rule.Named(value), true, nil
	case "namespace":
		return rule.In(value), true, nil
	case "nth":
		return rule.Nth(numbers...), true, nil
	case "from":
		return rule.From(numbers[0]), true, nil
	case "times":
		return rule.Times(numbers[0]), true, nil
	}
	return nil, false, nil
}

// The words for what happens to a request: those that say it all, and those with a duration.
var (
	plain = map[string]func() fault.Outcome{
		"conflict": fault.Conflict, "internal-error": fault.InternalError, "timeout": fault.Timeout, "forbidden": fault.Forbidden,
		"drop": fault.Drop, "not-sent": fault.NotSent, "commit-then-eof": fault.CommitThenEOF, "commit-then-hang": fault.CommitThenHang,
	}
	timed = map[string]func(time.Duration) fault.Outcome{
		"delay": fault.Delay, "delay-answer": fault.DelayAnswer, "unavailable": fault.Unavailable, "too-many-requests": fault.TooManyRequests,
	}
)

func outcomeNames() (names []string) {
	for name := range plain {
		names = append(names, name)
	}
	for name := range timed {
		names = append(names, name+"=DURATION")
	}
	slices.Sort(names)
	return names
}

func parseOutcome(name, value string) (outcome fault.Outcome, err error) {
	if make, ok := plain[name]; ok && value == "" {
		return make(), nil
	}
	if make, ok := timed[name]; ok {
		d, err := time.ParseDuration(value)
		if err != nil {
			return outcome, fmt.Errorf("%s needs a duration, as in %s=1s", name, name)
		}
		return make(d), nil
	}
	return outcome, fmt.Errorf("%q is not known: what happens is one of %s", name, strings.Join(outcomeNames(), ", "))
}
