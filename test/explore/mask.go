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
	object   string // as a state names it; empty: any
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
		m.add(resource, "", path)
	}
	return m, nil
}

func (m *mask) add(resource, object, path string) {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, `[^.]*`)
	m.rules = append(m.rules, maskRule{resource, object, regexp.MustCompile(`^` + pattern + `($|[.\[])`)})
}

// hides reports whether a field of an object is not compared. What differs without faults is masked in
// that object alone: the next one of its kind can be right or wrong in the same field.
func (m *mask) hides(resource, object, path string) bool {
	object = sibling.ReplaceAllString(object, "")
	for _, rule := range m.rules {
		if (rule.resource == "" || rule.resource == resource) && (rule.object == "" || rule.object == object) && rule.path.MatchString(path) {
			return true
		}
	}
	return false
}

// with returns the mask with what differed between two runs without faults.
func (m *mask) with(differing []leaf) *mask {
	out := &mask{rules: append([]maskRule(nil), m.rules...)}
	for _, l := range differing {
		out.add(l.resource, sibling.ReplaceAllString(l.object, ""), indexes.ReplaceAllString(l.path, "[*]"))
	}
	return out
}

// sibling is the number of an object of several that have one generateName.
var sibling = regexp.MustCompile(`#\d+$`)

var indexes = regexp.MustCompile(`\[\d+\]`)
