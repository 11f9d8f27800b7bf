package sim

import (
	"encoding/json"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	sigsjson "sigs.k8s.io/json"
)

// record is one state of an object. It does not change: who wants to change it copies it.
type record struct {
	object map[string]any
	raw    []byte // the object in JSON
	rv     uint64
	labels labels.Set
}

// newRecord gives an object its resourceVersion.
func newRecord(object map[string]any, rv uint64) (*record, error) {
	o := unstructured.Unstructured{Object: object}
	o.SetResourceVersion(strconv.FormatUint(rv, 10))
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return &record{object: object, raw: raw, rv: rv, labels: o.GetLabels()}, nil
}

// copy returns the object for somebody who changes it.
func (r *record) copy() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(r.object)}
}

// view returns the object for somebody who reads it.
func (r *record) view() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: r.object}
}

func (r *record) uid() string {
	uid, _, _ := unstructured.NestedString(r.object, "metadata", "uid")
	return uid
}

// decodeObject reads a JSON object, with whole numbers as int64. A null is a nil map.
func decodeObject(data []byte) (map[string]any, error) {
	var object map[string]any
	err := sigsjson.UnmarshalCaseSensitivePreserveInts(data, &object)
	return object, err
}
