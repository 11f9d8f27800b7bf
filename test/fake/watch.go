package fake

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"
)

// watch answers a watch. Its events wait in the server until they are read, however many.
func (h *hardened) watch(action clienttesting.Action) (bool, watch.Interface, error) {
	in, err := h.resource(action)
	if err != nil {
		return true, nil, err
	}
	options := metav1.ListOptions{}
	if a, ok := action.(clienttesting.WatchActionImpl); ok {
		options = a.GetListOptions()
		restrictions := a.GetWatchRestrictions()
		options.ResourceVersion = restrictions.ResourceVersion
		if restrictions.Labels != nil {
			options.LabelSelector = restrictions.Labels.String()
		}
		if restrictions.Fields != nil {
			options.FieldSelector = restrictions.Fields.String()
		}
	}
	ctx, cancel := context.WithCancel(h.ctx)
	events, err := in.Watch(ctx, options)
	if err != nil {
		cancel()
		return true, nil, err
	}
	w := &shaped{in: events, out: make(chan watch.Event), cancel: cancel}
	go w.run(ctx, h.shape)
	return true, w, nil
}

// shaped is a watch whose objects have the clientset's form.
type shaped struct {
	in     watch.Interface
	out    chan watch.Event
	cancel context.CancelFunc
}

func (w *shaped) ResultChan() <-chan watch.Event { return w.out }

func (w *shaped) Stop() {
	w.cancel()
	w.in.Stop()
}

func (w *shaped) run(ctx context.Context, shape shape) {
	defer close(w.out)
	defer w.Stop()
	for event := range w.in.ResultChan() {
		if o, ok := event.Object.(*unstructured.Unstructured); ok {
			object, err := shape.object(o)
			if err != nil {
				return // as a decoder that fails ends a watch
			}
			event.Object = object
		}
		select {
		case w.out <- event:
		case <-ctx.Done():
			return
		}
	}
}
