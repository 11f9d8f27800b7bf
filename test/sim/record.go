package sim

import (
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	crdschema "github.com/kuberator/kuberator/test/sim/internal/schema"
)

// record is one state of an object. It is not changed; to change it, copy it.
type record struct {
	object map[string]any
	raw    []byte // the object in JSON, without its apiVersion and kind
	rv     uint64
	labels labels.Set
	schema *crdschema.Schema // of the version in which it was stored, for a kind of a CRD
	// unsettled says that what is stored is not quite what is read, see settle.
	unsettled bool

	proto     sync.Once // makes the rest
	encoded   []byte    // the object in Protobuf
	encodeErr error
}

// record gives an object its resourceVersion, and the form in which it is read after it was
// stored.
func (r *resource) record(object map[string]any, rv uint64) *record {
	if r.gr() == eventsGroup {
		object = storedEvent(object)
	}
	rec := &record{object: object, rv: rv}
	o := unstructured.Unstructured{Object: object}
	o.SetResourceVersion(strconv.FormatUint(rv, 10)) // first: what the client has said of it is not stored
	if c := r.custom; c != nil {
		rec.schema, rec.unsettled = c.stored, c.settle(object, r.status)
	} else if r.rules.settle != nil {
		rec.unsettled = r.rules.settle(object)
	}
	rec.raw, rec.labels = appendObject(nil, object, isTypeMeta), o.GetLabels()
	return rec
}

// blankRecord is the state of an object that says nothing. The server's own types say that they want
// no replicas.
func (r *resource) blankRecord() (*record, error) {
	o, err := r.blank()
	if err != nil {
		return nil, err
	}
	if r.gvk.Group == "apps" && scalable.Has(r.gr().String()) {
		preset(child(o.Object, "spec"), map[string]any{"replicas": int64(0)})
	}
	return &record{object: o.Object, raw: appendObject(nil, o.Object, isTypeMeta)}, nil
}

// settle makes of an object, in the version in which a client wrote it, what is read in the
// version that is stored. It reports whether more than that version is other than what is stored:
// then the next write is one even if it changes nothing.
func (c *custom) settle(object map[string]any, hasStatus bool) (unsettled bool) {
	object["apiVersion"] = c.storedAs
	if c.stored != c.schema {
		c.stored.Prune(object)
		stored := runtime.DeepCopyJSON(object)
		c.stored.Default(object)
		unsettled = !equal(object, stored)
	} else if len(c.schema.DropUnknown(object)) > 0 { // below what preserves, server-side apply stores it
		unsettled = true
	}
	if status, has := object["status"]; has && status == nil && hasStatus {
		delete(object, "status") // a null is stored, and not read
		unsettled = true
	}
	if !hasEmpty(child(object, "metadata")) {
		return unsettled
	}
	if metadata, err := normaliseMeta(object["metadata"]); err == nil { // it was validated
		object["metadata"] = metadata
	}
	return true
}

// hasEmpty reports whether an object has fields that say nothing, as metadata can after
// server-side apply: they are stored, and not read.
func hasEmpty(object map[string]any) bool {
	for _, value := range object {
		switch v := value.(type) {
		case map[string]any:
			if len(v) == 0 || hasNull(v) {
				return true
			}
		case []any:
			if len(v) == 0 {
				return true
			}
		case nil:
			return true
		}
	}
	return false
}

func hasNull(object map[string]any) bool {
	for _, value := range object {
		if value == nil {
			return true
		}
	}
	return false
}

// read returns a state as it looks through the schema of now, which may not be the one with
// which it was stored: what that knows no more is gone, and its new defaults are there.
func (r *resource) read(rec *record) *record {
	if rec != nil && r.gr() == eventsGroup {
		object := groupEvent(rec.object)
		return &record{object: object, raw: appendObject(nil, object, isTypeMeta), rv: rec.rv, labels: rec.labels}
	}
	if rec == nil || r.custom == nil || rec.schema == r.custom.stored {
		return rec
	}
	object := rec.copy().Object
	r.custom.stored.Prune(object)
	r.custom.stored.Default(object)
	return &record{
		object: object, raw: appendObject(nil, object, isTypeMeta), rv: rec.rv, labels: rec.labels, schema: r.custom.stored,
		unsettled: rec.unsettled || !equal(object, rec.object),
	}
}

// view returns a state in the version of the resource, which knows other fields than the one that
// is stored. It must not be changed. settled says that writing it back changes nothing.
func (r *resource) view(rec *record) (o *unstructured.Unstructured, settled bool) {
	rec = r.read(rec)
	if c := r.custom; c == nil || c.schema == c.stored {
		return rec.view(), !rec.unsettled
	}
	o = rec.copy()
	o.SetAPIVersion(groupVersion(r.gvk))
	lost := r.custom.schema.Prune(o.Object)
	return o, !rec.unsettled && len(lost) == 0
}

// copy returns the object as a copy that may be changed.
func (r *record) copy() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(r.object)}
}

// view returns the object itself, which must not be changed.
func (r *record) view() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: r.object}
}
