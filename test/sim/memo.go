package sim

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// memo remembers what field managers made of updates, which is most of the work of a write.
// What they make depends on which fields there are and which have changed, but, outside of
// lists, not on the values. So updates that look alike in that have the same managers.
type memo struct {
	mu    sync.Mutex
	known map[string][]any
}

// memoSize bounds a memo, which starts over when it is full.
const memoSize = 2000

// memoKey bounds how much of an update is compared, in bytes.
const memoKey = 16 << 10

// unchangedTime stands in a memo for the time that an entry had before.
const unchangedTime = "1970-01-01T00:00:01Z"

// update returns the managers of fields of next, for which work asks the real thing. ok is
// false for updates in which more matters than a memo compares.
func (m *memo) update(manager string, current, next map[string]any, work func(current, next *unstructured.Unstructured) ([]any, error)) (fields []any, ok bool, err error) {
	before, _ := child(current, "metadata")["managedFields"].([]any)
	sent, has := child(next, "metadata")["managedFields"]
	annotations := child(child(next, "metadata"), "annotations")
	_, applied := annotations["kubectl.kubernetes.io/last-applied-configuration"]
	if has && !equal(sent, any(before)) || len(before) > 8 || applied || strings.HasPrefix(manager, "kubectl") {
		return nil, false, nil
	}
	key := append(make([]byte, 0, 1024), manager...)
	key = appendManagers(append(key, 0), before)
	key = appendShape(append(key, 0), next, current, true)
	key = appendShape(append(key, 0), current, nil, true)
	if len(key) > memoKey {
		return nil, false, nil
	}
	m.mu.Lock()
	found, isKnown := m.known[string(key)]
	m.mu.Unlock()
	if !isKnown {
		if found, err = work(timeless(current), timeless(next)); err != nil {
			return nil, true, err
		}
		m.mu.Lock()
		if m.known == nil || len(m.known) >= memoSize {
			m.known = map[string][]any{}
		}
		m.known[string(key)] = found
		m.mu.Unlock()
	}
	return timed(found, before), true, nil
}

// timeless returns an object whose managers all have the same time.
func timeless(object map[string]any) *unstructured.Unstructured {
	out := maps.Clone(object)
	metadata := maps.Clone(child(object, "metadata"))
	out["metadata"] = metadata
	if entries, ok := metadata["managedFields"].([]any); ok {
		same := make([]any, len(entries))
		for i, entry := range entries {
			copied := maps.Clone(entry.(map[string]any)) //nolint:forcetypeassert // it was stored
			copied["time"] = unchangedTime
			same[i] = copied
		}
		metadata["managedFields"] = same
	}
	return &unstructured.Unstructured{Object: out}
}

// timed gives the entries of a memo the times that they had before, or that of now.
func timed(entries, before []any) []any {
	now := metav1.Now().UTC().Format(time.RFC3339)
	out := make([]any, len(entries))
	for i, entry := range entries {
		copied := maps.Clone(entry.(map[string]any)) //nolint:forcetypeassert // the field manager has made it
		if copied["time"] != unchangedTime {
			copied["time"] = now
		} else if copied["time"] = timeOf(copied, before); copied["time"] == nil {
			delete(copied, "time") // it has none if it was applied and changed nothing
		}
		out[i] = copied
	}
	slices.SortFunc(out, func(a, b any) int { return compareEntries(a.(map[string]any), b.(map[string]any)) }) //nolint:forcetypeassert // they are copies
	return out
}

// compareEntries orders managers as the server does.
func compareEntries(a, b map[string]any) int {
	for _, key := range []string{"operation", "time", "manager", "apiVersion", "subresource"} {
		left, _ := a[key].(string)
		right, _ := b[key].(string)
		if order := strings.Compare(left, right); order != 0 {
			return order
		}
	}
	return 0
}

func timeOf(entry map[string]any, before []any) any {
	for _, old := range before {
		old, _ := old.(map[string]any)
		if old["manager"] == entry["manager"] && old["operation"] == entry["operation"] &&
			old["apiVersion"] == entry["apiVersion"] && old["subresource"] == entry["subresource"] {
			return old["time"]
		}
	}
	return entry["time"]
}

func appendManagers(key []byte, entries []any) []byte {
	for _, entry := range entries {
		entry, _ := entry.(map[string]any)
		key = appendObject(key, entry, func(name string) bool { return name == "time" })
	}
	return key
}

// appendShape appends which fields a value has, of which type they are, and whether they are
// the same in other. Lists can have keys, so that all of them counts.
func appendShape(key []byte, value, other any, root bool) []byte {
	switch v := value.(type) {
	case map[string]any:
		o, isMap := other.(map[string]any)
		if other != nil && !isMap {
			key = append(key, '!')
		}
		key = append(key, '{')
		for _, name := range sortedKeys(v) {
			if root && name == "metadata" {
				key = appendMeta(append(appendText(key, name), ':'), child(v, name), child(o, name))
				continue
			}
			key = appendShape(append(appendText(key, name), ':'), v[name], o[name], false)
		}
		return append(key, '}')
	case []any:
		return appendValue(key, v)
	case nil:
		key = append(key, 'n')
	case string:
		key = append(key, 's')
	case bool:
		key = append(key, 'b')
	case int64:
		key = append(key, 'i')
	default:
		key = append(key, 'f')
	}
	if !equal(value, other) {
		key = append(key, '!')
	}
	return key
}

// appendMeta leaves out what is compared otherwise.
func appendMeta(key []byte, metadata, other map[string]any) []byte {
	for _, name := range sortedKeys(metadata) {
		if name != "managedFields" {
			key = appendShape(append(appendText(key, name), ':'), metadata[name], other[name], false)
		}
	}
	return append(key, ';')
}
