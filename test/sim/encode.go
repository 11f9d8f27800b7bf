package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// appendObject appends a JSON object, with its keys in order, without those that skip names.
// It does what encoding/json does, in a fraction of the time: the values are those that a
// decoder makes.
func appendObject(out []byte, object map[string]any, skip func(key string) bool) []byte {
	out = append(out, '{')
	begin := len(out)
	for _, key := range sortedKeys(object) {
		if skip != nil && skip(key) {
			continue
		}
		if len(out) > begin {
			out = append(out, ',')
		}
		out = append(appendText(out, key), ':')
		out = appendValue(out, object[key])
	}
	return append(out, '}')
}

func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func isTypeMeta(key string) bool { return key == "apiVersion" || key == "kind" }

func appendValue(out []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(out, "null"...)
	case string:
		return appendText(out, v)
	case bool:
		return strconv.AppendBool(out, v)
	case int64:
		return strconv.AppendInt(out, v, 10)
	case map[string]any:
		return appendObject(out, v, nil)
	case []any:
		out = append(out, '[')
		for i, item := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendValue(out, item)
		}
		return append(out, ']')
	default:
		data, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("simulated API server: a %T in an object: %v", v, err)) //nolint:forbidigo // a float, or a defect
		}
		return append(out, data...)
	}
}

// appendText appends a string. Plain ones need no more than quotes.
func appendText(out []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			data, err := json.Marshal(text)
			if err != nil {
				panic(err) //nolint:forbidigo // a text
			}
			return append(out, data...)
		}
	}
	return append(append(append(out, '"'), text...), '"')
}
