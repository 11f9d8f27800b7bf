package sim

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/test/internal/answer"
)

// marshaller is what the Go types of compiled-in kinds are.
type marshaller interface{ Marshal() ([]byte, error) }

// protobuf returns a state as Protobuf, which is made once, when it is first asked for.
func (r *resource) protobuf(rec *record) ([]byte, error) {
	rec.proto.Do(func() {
		typed := r.typed()
		err := runtime.DefaultUnstructuredConverter.FromUnstructured(rec.object, typed)
		if m, ok := typed.(marshaller); ok && err == nil {
			rec.encoded, err = m.Marshal()
		}
		rec.encodeErr = err
	})
	return rec.encoded, rec.encodeErr
}

// protobufObject is an object in Protobuf.
func (r *request) protobufObject(code int, rec *record) (*http.Response, error) {
	object, err := r.resource.protobuf(r.resource.read(rec))
	if err != nil {
		return nil, fmt.Errorf("encode a %s: %w", r.resource.gvk.Kind, err)
	}
	return envelop(code, r.resource.gvk, object)
}

// writeTyped answers with an object of a Go type that is not stored, in JSON or Protobuf.
func (r *request) writeTyped(code int, gvk schema.GroupVersionKind, typed runtime.Object) (*http.Response, error) {
	if r.form.media == mediaProtobuf {
		content, err := typed.(marshaller).Marshal() //nolint:forcetypeassert // the Go types of compiled-in kinds are
		if err != nil {
			return nil, fmt.Errorf("encode a %s: %w", gvk.Kind, err)
		}
		return envelop(code, gvk, content)
	}
	body, err := json.Marshal(typed)
	if err != nil {
		return nil, fmt.Errorf("encode a %s: %w", gvk.Kind, err)
	}
	return r.write(code, body)
}

// envelop puts an object or a list into what says which kind it is.
func envelop(code int, gvk schema.GroupVersionKind, content []byte) (*http.Response, error) {
	apiVersion, kind := gvk.ToAPIVersionAndKind()
	envelope := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: apiVersion, Kind: kind}, Raw: content}
	body, err := envelope.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode a %s: %w", kind, err)
	}
	return answer.New(code, mediaProtobuf, append([]byte("k8s\x00"), body...)), nil
}

// protobufList is a list in Protobuf: field 1 of each kind of list is its metadata, field 2
// are its items. Clients decode it several times faster than JSON.
func (r *request) protobufList(items []*record, meta metav1.ListMeta) (*http.Response, error) {
	head, err := meta.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode a list: %w", err)
	}
	list := appendField(nil, 1, head)
	for _, rec := range items {
		item, err := r.resource.protobuf(r.resource.read(rec))
		if err != nil {
			return nil, fmt.Errorf("encode a %s: %w", r.resource.gvk.Kind, err)
		}
		list = appendField(list, 2, item)
	}
	return envelop(http.StatusOK, r.resource.gvk.GroupVersion().WithKind(r.resource.listKind), list)
}

func appendField(out []byte, number byte, value []byte) []byte {
	const lengthDelimited = 2
	out = binary.AppendUvarint(append(out, number<<3|lengthDelimited), uint64(len(value)))
	return append(out, value...)
}
