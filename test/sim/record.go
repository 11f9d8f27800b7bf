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

	proto     sync.Once // makes the rest
	encoded   []byte    // the object in Protobuf
	encodeErr error
}

// record gives an object its resourceVersion, and the form in which it is stored.
func (r *resource) record(object map[string]any, rv uint64) *record {
	if r.gr() == eventsGroup {
		object = storedEvent(object)
	}
	rec := &record{object: object, rv: rv}
	if c := r.custom; c != nil {
		rec.schema = c.stored
		object["apiVersion"] = c.storedAs
		if c.stored != c.schema {
			c.stored.Prune(object)
			c.stored.Default(object)
		}
	}
	o := unstructured.Unstructured{Object: object}
	o.SetResourceVersion(strconv.FormatUint(rv, 10))
	rec.raw, rec.labels = appendObject(nil, object, isTypeMeta), o.GetLabels()
	return rec
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
	return &record{object: object, raw: appendObject(nil, object, isTypeMeta), rv: rec.rv, labels: rec.labels, schema: r.custom.stored}
}

// copy returns the object as a copy that may be changed.
func (r *record) copy() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(r.object)}
}

// view returns the object itself, which must not be changed.
func (r *record) view() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: r.object}
}
