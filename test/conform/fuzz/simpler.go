package fuzz

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	pair    = regexp.MustCompile(`[?&][A-Za-z]+=[^& ]*`)
	options = regexp.MustCompile(` (as=\S+|show=\S+|\+owned|\+message)`)
	head    = regexp.MustCompile(`^\{(\$\w+)`)
)

// kindMark stands for the placeholder that names a kind, which is no JSON.
const kindMark = "KIND"

// simpler returns variants of a step from which one thing is missing: an option, a part of its
// query, or a part of its body.
func simpler(step string) (out []string) {
	lines := strings.Split(step, "\n")
	for _, found := range append(pair.FindAllStringIndex(lines[0], -1), options.FindAllStringIndex(lines[0], -1)...) {
		rest := lines[0][:found[0]] + lines[0][found[1]:]
		if !strings.Contains(rest, "?") { // the first pair has gone
			rest = strings.Replace(rest, "&", "?", 1)
		}
		out = append(out, strings.Join(append([]string{rest}, lines[1:]...), "\n"))
	}
	for i := 1; i < len(lines); i++ {
		out = append(out, strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "\n"))
		for _, body := range simplerBodies(lines[i]) {
			variant := slices.Clone(lines)
			variant[i] = body
			out = append(out, strings.Join(variant, "\n"))
		}
	}
	return out
}

// simplerBodies returns variants of a line of a body, which may begin with the mark of a change.
func simplerBodies(line string) (out []string) {
	begin := strings.IndexAny(line, "{[")
	if begin < 0 {
		return nil
	}
	var value any
	text := head.ReplaceAllString(line[begin:], `{"`+kindMark+`":"$1"`)
	if json.Unmarshal([]byte(text), &value) != nil {
		return nil
	}
	for _, smaller := range smallerValues(value) {
		text := strings.Replace(marshal(smaller), `"`+kindMark+`":"`, "\x00", 1)
		if before, after, found := strings.Cut(text, "\x00"); found {
			name, rest, _ := strings.Cut(after, `"`)
			text = before + name + rest
		}
		out = append(out, line[:begin]+text)
	}
	return out
}

// smallerValues returns copies of a value without one of its parts, the large parts first.
func smallerValues(value any) (out []any) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if key != kindMark {
				rest := maps.Clone(v)
				delete(rest, key)
				out = append(out, rest)
			}
		}
		for _, key := range sortedKeys(v) {
			for _, smaller := range smallerValues(v[key]) {
				rest := maps.Clone(v)
				rest[key] = smaller
				out = append(out, rest)
			}
		}
	case []any:
		for i := range v {
			out = append(out, slices.Delete(slices.Clone(v), i, i+1))
		}
		for i := range v {
			for _, smaller := range smallerValues(v[i]) {
				rest := slices.Clone(v)
				rest[i] = smaller
				out = append(out, rest)
			}
		}
	}
	return out
}
