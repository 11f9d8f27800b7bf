package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/internal/rawjson"
	"github.com/kuberator/kuberator/kerr"
)

// Tolerant is an optional interface that can be implemented by a cache.ListerWatcher that leaves
// out objects that it cannot decode, instead of failing as a whole. If implemented, OnUndecodable
// is called once before the first list, and report is to be called for each object left out. The
// errors are [*kerr.Error]s of class Undecodable; report must be safe for concurrent use.
type Tolerant interface {
	OnUndecodable(report func(error))
}

// tolerantListWatch decodes list items and watch events one by one. client-go
// decodes a list as a whole, so that one object that does not fit the Go type
// keeps an informer from ever syncing; and it ends a watch at such an event, to
// fall over it again after the relist.
//
// An object that cannot be decoded is reported and looks deleted: it is not in lists, and each
// event about it arrives as a deletion.
type tolerantListWatch[T Object] struct {
	restBackend[T]
	namespace string
	report    atomic.Pointer[func(error)]
}

// OnUndecodable implements [Tolerant].
func (l *tolerantListWatch[T]) OnUndecodable(report func(error)) { l.report.Store(&report) }

// List implements cache.Lister; client-go calls [tolerantListWatch.ListWithContext].
func (l *tolerantListWatch[T]) List(opts metav1.ListOptions) (runtime.Object, error) {
	return l.ListWithContext(context.Background(), opts) //nolint:forbidigo // the interface has no ctx
}

// Watch implements cache.Watcher; client-go calls [tolerantListWatch.WatchWithContext].
func (l *tolerantListWatch[T]) Watch(opts metav1.ListOptions) (watch.Interface, error) {
	return l.WatchWithContext(context.Background(), opts) //nolint:forbidigo // the interface has no ctx
}

// ListWithContext returns a *metav1.List whose items are objects of type T.
func (l *tolerantListWatch[T]) ListWithContext(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
	list := &metav1.List{}
	err := readList(ctx, l.request(opts), &list.TypeMeta, &list.ListMeta, func(item []byte) error { return l.item(list, item) })
	if err != nil {
		return nil, err
	}
	return list, nil
}

// readList sends a request for a list, and reads the answer without looking into its items, each of which
// is for item: so that one of them, whatever is in it, does not stop the others.
func readList(ctx context.Context, r *rest.Request, kind *metav1.TypeMeta, head *metav1.ListMeta, item func(raw []byte) error) error {
	answer := r.MaxRetries(0).Do(ctx) // see restBackend; a watch must wait for a Retry-After, its reflector does not
	// Error, unlike Raw, reads the reason in the answer: the pager begins again if the
	// list expired between two pages.
	if err := answer.Error(); err != nil {
		return err
	}
	raw, err := answer.Raw()
	if err != nil {
		return err
	}
	err = rawjson.Fields(raw, func(name, value []byte) error {
		switch string(name) {
		case "apiVersion":
			return json.Unmarshal(value, &kind.APIVersion)
		case "kind":
			return json.Unmarshal(value, &kind.Kind)
		case "metadata":
			return json.Unmarshal(value, head)
		case "items":
			return rawjson.Elements(value, item)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("decode the list: %w", err)
	}
	return nil
}

func (l *tolerantListWatch[T]) item(list *metav1.List, raw []byte) error {
	obj, err := l.decode(raw)
	if err != nil {
		return err
	}
	if bad, ok := obj.(*undecodable); ok {
		l.tell(bad.err)
		return nil
	}
	list.Items = append(list.Items, runtime.RawExtension{Object: obj})
	return nil
}

// WatchWithContext streams events until ctx ends.
func (l *tolerantListWatch[T]) WatchWithContext(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	opts.Watch = true
	body, err := l.request(opts).Stream(ctx)
	if err != nil {
		return nil, err
	}
	reporter := apierrors.NewClientErrorReporter(http.StatusInternalServerError, http.MethodGet, "ClientWatchDecoding")
	return watch.NewStreamWatcher(&eventDecoder[T]{l: l, body: body, events: rawjson.NewReader(body, mostOfEvent)}, reporter), nil
}

func (l *tolerantListWatch[T]) request(opts metav1.ListOptions) *rest.Request {
	var timeout time.Duration
	if opts.TimeoutSeconds != nil {
		timeout = time.Duration(*opts.TimeoutSeconds) * time.Second
	}
	return l.client.Get().
		NamespaceIfScoped(l.namespace, l.namespace != "").
		Resource(l.resource).
		VersionedParams(&opts, l.params).
		Timeout(timeout)
}

func (l *tolerantListWatch[T]) tell(err error) {
	if report := l.report.Load(); report != nil {
		(*report)(err)
	}
}

// decode returns a T, or an *undecodable in its place.
func (l *tolerantListWatch[T]) decode(raw []byte) (runtime.Object, error) {
	obj, err := l.typed(raw)
	if err == nil {
		return obj, nil
	}
	head, headErr := headOf(raw)
	if headErr != nil || head.Name == "" {
		return nil, err
	}
	if head.DeletionTimestamp != nil {
		err = fmt.Errorf("it is being deleted and cannot be cleaned up, repair it or remove its finalizers %v: %w", head.Finalizers, err)
	}
	err = kerr.New(kerr.OpDecode, l.kind, Key(&head), head.UID, kerr.Mark(kerr.ClassUndecodable, err))
	return &undecodable{Object: l.stub(head), err: err}, nil
}

// stub returns an object with a name and a version, and nothing else.
func (l *tolerantListWatch[T]) stub(head metav1.ObjectMeta) T {
	stub := l.newObject()
	stub.SetName(head.Name)
	stub.SetNamespace(head.Namespace)
	stub.SetUID(head.UID)
	stub.SetResourceVersion(head.ResourceVersion)
	return stub
}

// typed decodes into the Go type, whose methods are not ours: one tenant's object on which
// UnmarshalJSON panics is that object's problem.
func (l *tolerantListWatch[T]) typed(raw []byte) (obj runtime.Object, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = kerr.Recovered(value)
		}
	}()
	if obj, ok := l.decoded(raw); ok {
		return obj, nil
	}
	obj, _, err = l.codecs.UniversalDeserializer().Decode(raw, &l.kind, nil)
	return obj, err
}

// undecodable stands for an object of which only the metadata could be read.
type undecodable struct {
	runtime.Object
	err error
}

// mostOfEvent bounds an event, in bytes, as client-go does. Servers take objects of 1.5 to 3 MB.
const mostOfEvent = 16 << 20

// eventDecoder decodes the events of a watch, in the place of client-go's decoder, which reads each
// event three times before it decodes the object inside. Each event has memory of its own: an object
// whose UnmarshalJSON keeps what it gets is not overwritten.
type eventDecoder[T Object] struct {
	l      *tolerantListWatch[T]
	body   io.Closer
	events *rawjson.Reader
}

// Decode implements [watch.Decoder]. An event about an undecodable object becomes a deletion.
func (d *eventDecoder[T]) Decode() (watch.EventType, runtime.Object, error) {
	kind, raw, err := d.next()
	if err != nil {
		return "", nil, err
	}
	obj, err := d.object(kind, raw)
	if err != nil {
		return "", nil, fmt.Errorf("decode the object of an event %q: %w", kind, err)
	}
	if bad, ok := obj.(*undecodable); ok {
		d.l.tell(bad.err)
		return watch.Deleted, bad.Object, nil
	}
	return kind, obj, nil
}

// object decodes what an event has. Bookmarks and errors are what the watch says of itself: the Go
// type, whose methods are not ours, does not get them.
func (d *eventDecoder[T]) object(kind watch.EventType, raw []byte) (runtime.Object, error) {
	switch kind {
	case watch.Added, watch.Modified, watch.Deleted:
		return d.l.decode(raw)
	case watch.Bookmark:
		var mark metav1.PartialObjectMetadata
		err := json.Unmarshal(raw, &mark)
		obj := d.l.newObject()
		obj.SetResourceVersion(mark.ResourceVersion)
		obj.SetAnnotations(mark.Annotations) // the end of a streamed list is one
		return obj, err
	case watch.Error:
		status := &metav1.Status{}
		if err := json.Unmarshal(raw, status); err != nil {
			return nil, err
		}
		if status.Kind != "Status" {
			return nil, fmt.Errorf("it is a %q", status.Kind)
		}
		return status, nil
	}
	return nil, errors.New("there is no such type of event")
}

// next returns an error of the stream as it is: client-go looks for its own way of io.EOF.
func (d *eventDecoder[T]) next() (kind watch.EventType, object []byte, err error) {
	event, err := d.events.Next()
	if err != nil {
		return "", nil, err
	}
	err = rawjson.Fields(event, func(name, value []byte) error {
		switch string(name) {
		case "type":
			kind = watch.EventType(bytes.Trim(value, `"`))
		case "object":
			object = value
		}
		return nil
	})
	return kind, object, err
}

// Close implements [watch.Decoder].
func (d *eventDecoder[T]) Close() { _ = d.body.Close() } // the events are over, and nobody reads its error
