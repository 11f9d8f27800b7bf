package testserver

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// fields returns an object as JSON fields, in a copy.
func fields(obj any) map[string]any {
	var out map[string]any
	if err := json.Unmarshal(encode(obj), &out); err != nil {
		panic(err)
	}
	return out
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// jsonPatch applies the operations of RFC 6902 that this module sends: test, add
// and remove below objects.
func jsonPatch(doc map[string]any, data []byte) (map[string]any, error) {
	var ops []struct {
		Op, Path string
		Value    any
	}
	if err := json.Unmarshal(data, &ops); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	for _, op := range ops {
		path := strings.Split(strings.TrimPrefix(op.Path, "/"), "/")
		parent, name := doc, path[len(path)-1]
		for _, step := range path[:len(path)-1] {
			next, ok := parent[step].(map[string]any)
			if !ok {
				return nil, unprocessable(fmt.Sprintf("%s operation does not apply: doc is missing path: %q", op.Op, op.Path))
			}
			parent = next
		}
		switch op.Op {
		case "test":
			if !reflect.DeepEqual(parent[name], op.Value) {
				return nil, unprocessable("testing path " + op.Path + " failed")
			}
		case "remove":
			if _, ok := parent[name]; !ok {
				return nil, unprocessable("remove operation does not apply: " + op.Path)
			}
			delete(parent, name)
		case "add":
			parent[name] = op.Value
		default:
			return nil, apierrors.NewBadRequest("operation " + op.Op)
		}
	}
	return doc, nil
}

// mergePatch applies a patch of RFC 7386.
func mergePatch(doc map[string]any, data []byte) (map[string]any, error) {
	var patch map[string]any
	if err := json.Unmarshal(data, &patch); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	merge(doc, patch)
	return doc, nil
}

func merge(doc, patch map[string]any) {
	for name, value := range patch {
		below, ok := value.(map[string]any)
		switch {
		case value == nil:
			delete(doc, name)
		case ok:
			if _, has := doc[name].(map[string]any); !has {
				doc[name] = map[string]any{}
			}
			merge(doc[name].(map[string]any), below)
		default:
			doc[name] = value
		}
	}
}
