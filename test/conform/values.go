package conform

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// values are what the placeholders of one run stand for.
type values struct {
	id        string
	namespace string
	group     string
	captured  map[string]map[string]any
	generated *regexp.Regexp // nil if the script has no generateName
}

// newValues invents names that no other run has used.
func newValues() *values {
	var random [4]byte
	_, _ = rand.Read(random[:]) // it never fails
	id := "c" + hex.EncodeToString(random[:])
	return &values{id: id, namespace: "ns-" + id, group: id + "." + group, captured: map[string]map[string]any{}}
}

// expand replaces the placeholders of a text that was checked when it was parsed.
func (v *values) expand(text string) string {
	replaced := placeholder.ReplaceAllStringFunc(text, func(call string) string {
		match := placeholder.FindStringSubmatch(call)
		name, field := match[1], match[2]
		switch {
		case field != "":
			return v.field(name, field)
		case name == "ns":
			return v.namespace
		case name == "id":
			return v.id
		case name == "group":
			return v.group
		case resources[name] != "":
			return strings.ReplaceAll(resources[name], "$ns", v.namespace)
		case kinds[name] != "":
			return `"apiVersion":"` + kinds[name] + `","kind":"` + cmp.Or(longKinds[name], name) + `"`
		default:
			return call
		}
	})
	return expandRepeat(replaced)
}

func (v *values) field(name, field string) string {
	if field == "token" {
		status, _ := v.captured[name]["status"].(map[string]any)
		token, _ := status["token"].(string)
		return token
	}
	metadata, _ := v.captured[name]["metadata"].(map[string]any)
	key := map[string]string{"uid": "uid", "rv": "resourceVersion", "continue": "continue"}[field]
	value, _ := metadata[key].(string)
	return value
}

// restore puts the placeholders back into an answer, and shortens what $repeat made.
func (v *values) restore(text string) string {
	text = strings.NewReplacer(v.group, "$group", v.namespace, "$ns", v.id, "$id").Replace(text)
	text = manyLetters.ReplaceAllStringFunc(text, func(found string) string {
		return fmt.Sprintf("x*%d", len(found))
	})
	if v.generated != nil {
		text = v.generated.ReplaceAllString(text, "${1}?????${2}")
	}
	return text
}

var (
	manyLetters  = regexp.MustCompile(`x{30,}`)
	generateName = regexp.MustCompile(`"generateName":"([^"$]+)"`)
)

// generatedNames matches the names that a server makes of those in a script.
func generatedNames(script string) *regexp.Regexp {
	var prefixes []string
	for _, match := range generateName.FindAllStringSubmatch(script, -1) {
		prefixes = append(prefixes, regexp.QuoteMeta(match[1]))
	}
	if prefixes == nil {
		return nil
	}
	return regexp.MustCompile(`\b(` + strings.Join(prefixes, "|") + `)[bcdfghjklmnpqrstvwxz2456789]{5}("|$)`)
}
