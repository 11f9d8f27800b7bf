package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// namespaces is how many namespaces the Widgets are spread over, one after the other.
const namespaces = 100

// Key returns the key of the i-th Widget.
func Key(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: "team-" + strconv.Itoa(i%namespaces), Name: "widget-" + strconv.Itoa(i)}
}

// template is the JSON of a Widget up to its name, and from what follows what is
// different between Widgets. Encoding then is copying: the server shares the
// processors with who is measured, and must take little of them.
type template struct {
	kind, version string
	head, tail    []byte
}

func newTemplate(kind, version string, of any) (template, error) {
	raw, err := json.Marshal(of)
	if err != nil {
		return template{}, err
	}
	const mark = `"metadata":{`
	head, tail, ok := bytes.Cut(raw, []byte(mark))
	if !ok {
		return template{}, fmt.Errorf("no metadata in %s", raw)
	}
	return template{kind: kind, version: version, head: append(bytes.Clone(head), mark...), tail: tail}, nil
}

// append appends the i-th Widget.
func (t template) append(dst []byte, i int, revision, generation int64) []byte {
	dst = append(dst, t.head...)
	dst = append(dst, `"name":"widget-`...)
	dst = strconv.AppendInt(dst, int64(i), 10)
	dst = append(dst, `","namespace":"team-`...)
	dst = strconv.AppendInt(dst, int64(i%namespaces), 10)
	dst = append(dst, `","uid":"7f1b0c9e-5d2a-4c53-9a41-`...)
	dst = strconv.AppendInt(dst, 100_000_000_000+int64(i), 10)
	dst = append(dst, `","resourceVersion":"`...)
	dst = strconv.AppendInt(dst, revision, 10)
	dst = append(dst, `","generation":`...)
	dst = strconv.AppendInt(dst, generation, 10)
	dst = append(dst, ',')
	return append(dst, t.tail...)
}

// Example returns a small Widget as a client decodes it.
func Example() (*widget.Widget, error) {
	t, err := newTemplate("Widget", widget.GroupVersion().String(), example(Small))
	if err != nil {
		return nil, err
	}
	w := &widget.Widget{}
	return w, json.Unmarshal(t.append(nil, 1, 1000, 1), w)
}

// example returns a Widget without a name.
func example(size Size) *widget.Widget {
	created := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w := &widget.Widget{}
	w.SetGroupVersionKind(widget.GroupVersion().WithKind("Widget"))
	w.CreationTimestamp = created
	w.Finalizers = []string{widget.Finalizer}
	if size == Bare {
		return w
	}
	w.Labels = map[string]string{"app.kubernetes.io/name": "widget", "app.kubernetes.io/managed-by": "bench"}
	w.Annotations = map[string]string{"example.com/contact": "team@example.com"}
	w.Spec = widget.Spec{Replicas: 3, Image: "registry.example.com/widget:1.2.3", Settings: map[string]string{"mode": "fast", "level": "3"}}
	w.Status = widget.Status{ObservedGeneration: 1, Conditions: []metav1.Condition{
		{Type: "Ready", Status: metav1.ConditionTrue, ObservedGeneration: 1, LastTransitionTime: created, Reason: "AllReplicasReady", Message: "3 of 3 replicas are ready"},
	}}
	if size == Large {
		enlarge(w)
	}
	return w
}

// metadataOf returns what a server sends to who asks for metadata only.
func metadataOf(w *widget.Widget) *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{ObjectMeta: w.ObjectMeta}
	m.SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("PartialObjectMetadata"))
	return m
}

func enlarge(w *widget.Widget) {
	for i := range 3 {
		w.Spec.Settings["setting-"+strconv.Itoa(i)] = strings.Repeat("value ", 10)
	}
	owned := `{"f:metadata":{"f:annotations":{".":{},"f:example.com/contact":{}},"f:labels":{".":{},"f:app.kubernetes.io/managed-by":{},"f:app.kubernetes.io/name":{}}},` +
		`"f:spec":{".":{},"f:image":{},"f:replicas":{},"f:settings":{".":{}` + strings.Repeat(`,"f:setting":{}`, 3) + `}},"f:status":{".":{},"f:conditions":{},"f:observedGeneration":{}}}`
	for _, manager := range []string{"kubectl-client-side-apply", "widget-operator"} {
		w.ManagedFields = append(w.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: widget.GroupVersion().String(),
			Time: &w.CreationTimestamp, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(owned),
		})
	}
}
