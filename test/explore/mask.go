package explore

import (
	"fmt"
	"regexp"
	"strings"
)

// mask hides fields that may differ between runs.
type mask struct{ rules []maskRule }

type maskRule struct {
	resource string // empty: any
	path     *regexp.Regexp
}

func newMask(paths []string) (*mask, error) {
	m := &mask{}
	for _, text := range append([]string{"metadata.annotations." + touched}, paths...) {
		resource, path, ok := strings.Cut(text, ":")
		if !ok || strings.Contains(resource, "/") { // the name of an annotation can have a colon
			resource, path = "", text
		}
		if strings.Trim(path, "*. ") == "" {
			return nil, fmt.Errorf("Case.Mask: %q hides everything, so that nothing would be compared: name fields, as in %q", text, "status.lastChecked")
		}
		m.add(resource, path)
	}
	return m, nil
}

func (m *mask) add(resource, path string) {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, `[^.]*`)
	m.rules = append(m.rules, maskRule{resource, regexp.MustCompile(`^` + pattern + `($|[.\[])`)})
}

func (m *mask) hides(resource, path string) bool {
	for _, rule := range m.rules {
		if (rule.resource == "" || rule.resource == resource) && rule.path.MatchString(path) {
			return true
		}
	}
	return false
}

// with returns the mask with what differed between two runs without faults.
func (m *mask) with(differing []leaf) *mask {
	out := &mask{rules: append([]maskRule(nil), m.rules...)}
	for _, l := range differing {
		out.add(l.resource, indexes.ReplaceAllString(l.path, "[*]"))
	}
	return out
}

var indexes = regexp.MustCompile(`\[\d+\]`)
