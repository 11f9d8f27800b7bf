package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kuberator/kuberator/internal/pinned"
)

// document is a status as JSON, and as its top-level fields when they are needed.
type document struct {
	json   []byte
	fields map[string]any
}

// encode returns the document of a status value. A nil pointer is an empty status.
func encode(status any) (document, error) {
	data, err := json.Marshal(status)
	if err != nil {
		return document{}, fmt.Errorf("encode the status: %w", err)
	}
	return parse(data)
}

// statusOf returns the document of an object's status; empty where it has none.
func statusOf(obj any) (document, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return document{}, fmt.Errorf("encode the object: %w", err)
	}
	var has struct {
		Status json.RawMessage `json:"status"`
	}
	if err := json.Unmarshal(data, &has); err != nil {
		return document{}, fmt.Errorf("read the status of the object: %w", err)
	}
	return parse(has.Status)
}

func parse(data []byte) (document, error) {
	d := document{json: bytes.TrimSpace(data)}
	if len(d.json) == 0 {
		return d, nil
	}
	// apimachinery's decoder keeps whole numbers whole; encoding/json rounds those
	// above 2^53.
	if err := utiljson.Unmarshal(d.json, &d.fields); err != nil {
		return d, fmt.Errorf("the status is not a JSON object: %w", err)
	}
	// A null field is what leaving it out is: the server drops it.
	maps.DeleteFunc(d.fields, func(_ string, value any) bool { return value == nil })
	return d, nil
}

func (d document) equal(o document) bool {
	return bytes.Equal(d.json, o.json) || maps.EqualFunc(d.fields, o.fields, reflect.DeepEqual)
}

// diff returns the operations that turn have into want, field by field.
//
// A status that is empty may be missing on the server, where a Go type cannot show
// it. Then there is no parent for fields to be added to, and the status is set as a
// whole; so that this overwrites nobody, the resourceVersion must be the one seen.
func diff(have, want document, resourceVersion string) []pinned.Op {
	if have.equal(want) {
		return nil
	}
	if len(have.fields) == 0 {
		whole := pinned.Op{Op: "add", Path: "/status", Value: want.fields}
		if resourceVersion == "" {
			return []pinned.Op{whole} // only fakes have none
		}
		return []pinned.Op{{Op: "test", Path: "/metadata/resourceVersion", Value: resourceVersion}, whole}
	}
	var ops []pinned.Op
	for _, field := range slices.Sorted(maps.Keys(have.fields)) {
		if _, keep := want.fields[field]; !keep {
			ops = append(ops, pinned.Op{Op: "remove", Path: pointer(field)})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(want.fields)) {
		if old, had := have.fields[field]; !had || !reflect.DeepEqual(old, want.fields[field]) {
			ops = append(ops, pinned.Op{Op: "add", Path: pointer(field), Value: want.fields[field]})
		}
	}
	return ops
}

// pointer returns the JSON pointer (RFC 6901) of a field of the status.
func pointer(field string) string {
	return "/status/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(field)
}
