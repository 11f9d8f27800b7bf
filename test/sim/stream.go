package sim

import (
	"encoding/json"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// show sends the state of an object, in the form that the client asked for.
func (w *stream) show(verb watch.EventType, rec *record) error {
	if w.request.form.as != asTable {
		return w.send(verb, w.request.encode(nil, rec, true))
	}
	table, err := w.request.table([]*record{rec}, metav1.ListMeta{ResourceVersion: formatRV(rec.rv)}, !w.headed)
	if err != nil {
		return err
	}
	w.headed = true
	return w.send(verb, table)
}

func (w *stream) send(verb watch.EventType, object []byte) error {
	line := make([]byte, 0, len(object)+40)
	line = append(append(append(append(line, `{"type":"`...), verb...), `","object":`...), object...)
	_, err := w.out.Write(append(line, "}\n"...))
	return err
}

// remind sends a bookmark, if the client wants them, and nothing is held back.
func (w *stream) remind() error {
	_, _, severed := w.request.session.look(w.request.resource.gr())
	if !w.options.AllowWatchBookmarks || severed {
		return nil
	}
	return w.bookmark(nil)
}

func (w *stream) bookmark(annotations map[string]any) error {
	metadata := map[string]any{"resourceVersion": formatRV(w.cursor), "creationTimestamp": nil}
	if annotations != nil {
		metadata["annotations"] = annotations
	}
	apiVersion, kind := w.request.resource.gvk.ToAPIVersionAndKind()
	switch w.request.form.as {
	case "":
	case asTable:
		row, err := w.bookmarkRow(metadata)
		if err != nil {
			return err
		}
		return w.send(watch.Bookmark, row)
	default:
		apiVersion, kind = w.request.form.group, "PartialObjectMetadata"
	}
	object, err := json.Marshal(map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata})
	if err != nil {
		return err
	}
	return w.send(watch.Bookmark, object)
}

// fail ends a watch with an error as an event.
func (w *stream) fail(err *apierrors.StatusError) error {
	if err := w.send(watch.Error, statusBody(err.ErrStatus)); err != nil {
		return err
	}
	return io.EOF
}
