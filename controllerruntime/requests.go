package controllerruntime

import (
	"context"
	"errors"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kuberator/kuberator/controller"
)

// head is what the controller takes for the object: what it needs to know of it, and nothing else. It has no
// finalizers and is never being deleted, since what these mean is the reconciler's affair.
type head = metav1.PartialObjectMetadata

// requests are the objects of the kind that there are in the manager's cache, and the names that were asked for and
// have no object: what is gone, too, until a reconcile of that name has succeeded. They are the API server of the
// controller: a repository of heads. So the controller sees nothing before the manager's cache does, from which
// the reconciler reads.
type requests struct {
	kind schema.GroupVersionKind

	mu      sync.Mutex
	rv      uint64 // of the last change; grows with each
	removed uint64 // of the last head that went
	heads   map[types.NamespacedName]*request
	streams map[*stream]bool
}

// request is one name.
type request struct {
	head    *head         // never changed
	object  client.Object // as the cache has it; nil if there is none. It must not be changed
	version uint64        // of head
}

func newRequests(kind schema.GroupVersionKind) *requests {
	return &requests{kind: kind, heads: map[types.NamespacedName]*request{}, streams: map[*stream]bool{}}
}

// see notes an object that the cache shows.
func (r *requests) see(obj client.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := client.ObjectKeyFromObject(obj)
	before := r.heads[key]
	h := r.next(key, before, before == nil || isNews(before.object, obj))
	h.UID, h.Annotations = obj.GetUID(), pauseOf(obj)
	r.put(key, h, obj)
}

// gone notes that the cache shows no object any more.
func (r *requests) gone(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.next(key, r.heads[key], true)
	h.Annotations = nil
	r.put(key, h, nil)
}

// ask notes that a source wants a reconcile of a name, whether or not there is an object.
func (r *requests) ask(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.heads[key]
	h := r.next(key, before, before == nil)
	var obj client.Object
	if before != nil {
		obj = before.object
	}
	r.put(key, h, obj)
}

// done forgets a name without an object, unless something happened since version.
func (r *requests) done(key types.NamespacedName, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if is := r.heads[key]; is != nil && is.object == nil && is.head.ResourceVersion == version {
		r.remove(key)
	}
}

// drop forgets a name without a reconcile.
func (r *requests) drop(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heads[key] != nil {
		r.remove(key)
	}
}

// has reports whether the name is of an object that was seen.
func (r *requests) has(key types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	is := r.heads[key]
	return is != nil && is.object != nil
}

func (r *requests) remove(key types.NamespacedName) {
	h := r.next(key, r.heads[key], false)
	delete(r.heads, key)
	r.removed = r.rv
	r.tell(watch.Deleted, h)
}

// next returns the next head of a name. News shortens a backoff: the controller sees another generation.
func (r *requests) next(key types.NamespacedName, before *request, news bool) *head {
	r.rv++
	h := &head{}
	if before != nil {
		h = before.head.DeepCopy()
	}
	h.SetGroupVersionKind(r.kind)
	h.Namespace, h.Name, h.ResourceVersion = key.Namespace, key.Name, strconv.FormatUint(r.rv, 10)
	if news {
		h.Generation++
	}
	return h
}

func (r *requests) put(key types.NamespacedName, h *head, obj client.Object) {
	event := watch.Modified
	if r.heads[key] == nil {
		event = watch.Added
	}
	r.heads[key] = &request{h, obj, r.rv}
	r.tell(event, h)
}

func (r *requests) tell(event watch.EventType, h *head) {
	for s := range r.streams {
		s.add(watch.Event{Type: event, Object: h.DeepCopy()})
	}
}

// isNews reports whether a change of an object is one that a person makes, and not a write of the reconciler: as
// the library has it for its own objects.
func isNews(before, after client.Object) bool {
	return before == nil || before.GetUID() != after.GetUID() || before.GetGeneration() != after.GetGeneration() ||
		after.GetGeneration() == 0 && before.GetResourceVersion() != after.GetResourceVersion() ||
		before.GetDeletionTimestamp().IsZero() != after.GetDeletionTimestamp().IsZero() || pauseChanged(before, after)
}

// pauseOf returns the annotation that pauses an object, alone. What is being deleted is never paused.
func pauseOf(obj client.Object) map[string]string {
	value, has := obj.GetAnnotations()[controller.PausedAnnotation]
	if !has || !obj.GetDeletionTimestamp().IsZero() {
		return nil
	}
	return map[string]string{controller.PausedAnnotation: value}
}

func pauseChanged(before, after client.Object) bool {
	return pauseOf(before)[controller.PausedAnnotation] != pauseOf(after)[controller.PausedAnnotation]
}

// Kind implements repository.Repository.
func (r *requests) Kind() schema.GroupVersionKind { return r.kind }

// ListerWatcher implements repository.Repository.
func (r *requests) ListerWatcher() cache.ListerWatcher { return r }

// Get implements repository.Repository.
func (r *requests) Get(_ context.Context, key types.NamespacedName) (*head, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if is := r.heads[key]; is != nil {
		return is.head.DeepCopy(), nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: r.kind.Group, Resource: r.kind.Kind}, key.Name)
}

// Patch implements repository.Repository. Without a finalizer nothing is patched.
func (r *requests) Patch(context.Context, *head, types.PatchType, []byte, ...string) (*head, error) {
	return nil, errors.ErrUnsupported
}

// List implements cache.ListerWatcher.
func (r *requests) List(metav1.ListOptions) (runtime.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := &metav1.PartialObjectMetadataList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.FormatUint(r.rv, 10)}}
	for _, is := range r.heads {
		list.Items = append(list.Items, *is.head.DeepCopy())
	}
	return list, nil
}

// Watch implements cache.ListerWatcher.
func (r *requests) Watch(o metav1.ListOptions) (watch.Interface, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	since, _ := strconv.ParseUint(o.ResourceVersion, 10, 64)
	all := o.SendInitialEvents != nil && *o.SendInitialEvents
	if !all && since < r.removed {
		return nil, apierrors.NewResourceExpired("what has gone since is not known")
	}
	s := newStream(r)
	for _, is := range r.heads {
		if all || is.version > since {
			s.add(watch.Event{Type: watch.Added, Object: is.head.DeepCopy()})
		}
	}
	if all {
		end := &head{ObjectMeta: metav1.ObjectMeta{
			ResourceVersion: strconv.FormatUint(r.rv, 10), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
		}}
		end.SetGroupVersionKind(r.kind)
		s.add(watch.Event{Type: watch.Bookmark, Object: end})
	}
	r.streams[s] = true
	return s, nil
}
