package status

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// document is a status as JSON, and its top-level fields.
//
// A Go type shows a field without omitempty whether or not the API server has it, so that a zero
// field may be missing on the server. Nothing is known either of an object whose status was left
// out of a cache. The server itself names the fields that it has in metadata.managedFields.
type document struct {
	json   []byte // as a Go type shows it
	fields map[string]json.RawMessage
	// exists tells that the server has a status, that fields can be added to.
	exists bool
	// guess is set if it is not known which fields the server has: a zero one may be missing.
	guess bool
	// resourceVersion of the object that has this status; empty for fakes.
	resourceVersion string
	// elsewhere is set if json is not of this state.
	elsewhere bool
	nulls     bool // json has fields that are null, and fields does not
}

// object is any repository.Object.
type object interface {
	metav1.Object
	runtime.Object
}

// encode returns the document of a status value. A nil pointer is an empty status.
func encode(status any) (document, error) {
	data, err := json.Marshal(status)
	if err != nil {
		return document{}, kerr.Terminal(fmt.Errorf("encode the status: %w", err))
	}
	d := document{json: data}
	if err := d.parse(); err != nil {
		return document{}, kerr.Terminal(err)
	}
	return d, nil
}

// stored returns the status that the server has of an object that it returned.
// managers are the object's managedFields, which caches leave out.
func stored(obj object, managers []metav1.ManagedFieldsEntry) (document, error) {
	data, err := shown(obj)
	if err != nil {
		return document{}, err
	}
	d := document{json: bytes.TrimSpace(data), resourceVersion: obj.GetResourceVersion()}
	names, known := managed(managers)
	_, untyped := obj.(runtime.Unstructured)
	if known && len(names) == 0 && !untyped && d.resourceVersion != "" {
		return d, nil // nothing of what is shown is there
	}
	if err := d.parse(); err != nil {
		return d, err
	}
	if untyped || d.resourceVersion == "" {
		d.exists = d.fields != nil
		return d, nil // it is what it shows, as the objects of a fake are
	}
	if known {
		d.only(names)
		return d, nil
	}
	d.guess = true
	for _, value := range d.fields {
		d.exists = d.exists || !isZero(value)
	}
	return d, nil
}

// shown returns the status of obj as JSON, without encoding what else obj has.
func shown(obj object) ([]byte, error) {
	if u, ok := obj.(runtime.Unstructured); ok {
		if status := u.UnstructuredContent()["status"]; status != nil {
			return json.Marshal(status)
		}
		return nil, nil
	}
	var data []byte
	var err error
	if field, options, ok := statusField(obj); !ok {
		data, err = shownByAll(obj)
	} else if left := strings.Contains(options, "omitzero") && field.IsZero(); !left || obj.GetResourceVersion() != "" {
		// A fake has what is encoded: none. A server may have a status of zero fields.
		data, err = json.Marshal(field.Interface())
	}
	if err != nil {
		return nil, fmt.Errorf("encode the status of the object: %w", err)
	}
	return data, nil
}

// statusField returns the field of a struct that is encoded as its status.
func statusField(obj object) (field reflect.Value, options string, ok bool) {
	value := reflect.ValueOf(obj)
	if _, custom := obj.(json.Marshaler); custom || value.Kind() != reflect.Pointer || value.Elem().Kind() != reflect.Struct {
		return field, "", false
	}
	value = value.Elem()
	for i := range value.NumField() {
		name, options, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		if name == "status" && value.Type().Field(i).IsExported() {
			return value.Field(i), options, true
		}
	}
	return field, "", false
}

// shownByAll is for types that are encoded in their own way.
func shownByAll(obj object) ([]byte, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	var has struct {
		Status json.RawMessage `json:"status"`
	}
	return has.Status, json.Unmarshal(data, &has)
}

// managed returns the names of the top-level fields of the status that the server
// has; known is false if managedFields were left out or cleared, or do not say.
func managed(managers []metav1.ManagedFieldsEntry) (names []string, known bool) {
	for _, m := range managers {
		if m.FieldsV1 == nil {
			continue
		}
		known = true
		if !bytes.Contains(m.FieldsV1.GetRawBytes(), []byte(`"f:status"`)) {
			continue // most do not, and to parse them costs more than all the rest
		}
		var all struct {
			Status map[string]json.RawMessage `json:"f:status"`
		}
		if err := json.Unmarshal(m.FieldsV1.GetRawBytes(), &all); err != nil {
			return nil, false
		}
		if all.Status != nil && len(all.Status) == 0 {
			return nil, false // managed as a whole
		}
		for path := range all.Status {
			if name, isField := strings.CutPrefix(path, "f:"); isField {
				names = append(names, name)
			}
		}
	}
	return names, known
}

func (d *document) parse() error {
	if d.json = bytes.TrimSpace(d.json); len(d.json) == 0 {
		return nil
	}
	if err := json.Unmarshal(d.json, &d.fields); err != nil {
		return fmt.Errorf("the status is not a JSON object: %w", err)
	}
	// A null field is what leaving it out is: the server drops it.
	all := len(d.fields)
	maps.DeleteFunc(d.fields, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	d.nulls = len(d.fields) < all
	return nil
}

// only leaves out the fields that the server does not have.
func (d *document) only(names []string) {
	d.guess, d.exists = false, len(names) > 0
	maps.DeleteFunc(d.fields, func(name string, _ json.RawMessage) bool { return !slices.Contains(names, name) })
}

// seenAs returns the status d of the server as far as it was decided on: fields that a Go
// type does not have are those of other controllers.
func (d *document) seenAs(shown, want document) document {
	seen := *d
	seen.fields = maps.Clone(d.fields)
	maps.DeleteFunc(seen.fields, func(name string, _ json.RawMessage) bool {
		_, has := shown.fields[name]
		_, wanted := want.fields[name]
		return !has && !wanted
	})
	seen.json, seen.elsewhere = shown.json, d.resourceVersion != shown.resourceVersion
	return seen
}

// certain leaves out the fields that may be none.
func (d *document) certain() {
	d.guess = false
	maps.DeleteFunc(d.fields, func(_ string, value json.RawMessage) bool { return isZero(value) })
}

// tells reports whether d is enough to know what has to be sent for want.
func (d *document) tells(want document) bool {
	if !d.guess || len(want.fields) == 0 && len(d.fields) == 0 {
		return true
	}
	for name, value := range d.fields {
		if wanted, has := want.fields[name]; isZero(value) && (!has || isZero(wanted)) {
			return false
		}
	}
	return d.exists // else the server may have a status that is not shown
}

// isShownBy returns the status of an object that the server returned after it was written, if it
// is what was wanted: then it has those fields and no other that the Go type has.
func (d *document) isShownBy(got object) (now document, ok bool) {
	data, err := shown(got)
	if err != nil || d.nulls || got.GetResourceVersion() == "" || !bytes.Equal(data, d.json) {
		return document{}, false
	}
	now = *d
	now.exists, now.resourceVersion = len(d.fields) > 0, got.GetResourceVersion()
	return now, true
}

// record returns what is kept of a status that the server has, of which content is the
// JSON, and which the object shows as d.
func (d *document) record(content []byte) journal.Status {
	kept := journal.Status{
		ResourceVersion: d.resourceVersion, Content: sha256.Sum256(content),
		Fields: journal.FieldsOf(slices.Sorted(maps.Keys(d.fields))),
	}
	if !d.elsewhere {
		kept.Shown = d.shownHash()
	}
	return kept
}

func (d *document) shownHash() [32]byte { return sha256.Sum256(d.json) }
