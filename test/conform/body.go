package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// change matches a body that sends a captured object with changes.
const change = "+ "

// body returns what a step sends. It is either a text with placeholders, or the
// object of an earlier answer, with changes as in a merge patch:
//
//	$w.object
//	+ {"spec":{"size":2}}
func (v *values) body(step *Step) ([]byte, error) {
	var lines []string
	for _, line := range step.body {
		lines = append(lines, strings.TrimPrefix(line, bodyMark))
	}
	first := ""
	if len(lines) > 0 {
		first = lines[0]
	}
	name, isObject := strings.CutSuffix(strings.TrimPrefix(first, "$"), ".object")
	if !isObject {
		return []byte(v.expand(strings.Join(lines, "\n"))), nil
	}
	object, ok := v.captured[name]
	if !ok {
		return nil, fmt.Errorf("%s: no answer was kept under that name", first)
	}
	changed := any(object)
	for _, line := range lines[1:] {
		text, ok := strings.CutPrefix(line, change)
		if !ok {
			return nil, fmt.Errorf("%q: what changes %s begins with %q", line, first, change)
		}
		patch, err := decode([]byte(v.expand(text)))
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", line, err)
		}
		changed = merge(changed, patch)
	}
	return json.Marshal(changed)
}

// merge applies a JSON merge patch.
func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged := map[string]any{}
	if fields, ok := target.(map[string]any); ok {
		maps.Copy(merged, fields)
	}
	for key, value := range changes {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = merge(merged[key], value)
		}
	}
	return merged
}

// decode reads JSON and keeps numbers as they were written.
func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return value, nil
}
