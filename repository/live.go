package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/credentials"
	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Live is the [Repository] that [New], [FromClient] and the other functions of this package
// return. Beyond the interface it creates, updates, applies and deletes objects, which is how
// user code writes children. It is safe for concurrent use.
//
// Every error of a request is a [*kerr.Error] or has one in its chain.
type Live[T Object] struct {
	kind       schema.GroupVersionKind
	resource   schema.GroupVersionResource
	namespaces []string
	scope      scope
	backend    backend[T]
	writing    writing // of all writes
	whose      any     // the credentials, see credentials.Mark; nil if nothing is known of them
	err        error
}

// backend sends requests, nothing else: over HTTP (rest.go) or through a generated
// client (client.go).
type backend[T Object] interface { //nolint:interfacebloat // one per verb
	get(ctx context.Context, key types.NamespacedName) (T, error)
	raw(ctx context.Context, key types.NamespacedName) (*unstructured.Unstructured, error)
	create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error)
	patch(ctx context.Context, key types.NamespacedName, pt types.PatchType, data []byte, opts metav1.PatchOptions, sub ...string) (T, error)
	delete(ctx context.Context, key types.NamespacedName, opts metav1.DeleteOptions) error
	listerWatcher(namespace string) cache.ListerWatcher
}

// scope is what the repository knows about the kind's namespaces.
type scope uint8

const (
	scopeUnknown scope = iota
	scopeNamespaced
	scopeCluster
)

var (
	_ Namespaced = (*Live[*metav1.PartialObjectMetadata])(nil)
	_ Resourced  = (*Live[*metav1.PartialObjectMetadata])(nil)
	_ DryRunner  = (*Live[*metav1.PartialObjectMetadata])(nil)

	_ Authenticated = (*Live[*metav1.PartialObjectMetadata])(nil)
)

// Err returns what is wrong with the arguments of [FromClient], or nil. Every request returns
// that error too.
func (l *Live[T]) Err() error { return l.err }

// Kind returns the kind of the objects.
func (l *Live[T]) Kind() schema.GroupVersionKind { return l.kind }

// Resource returns the resource. [FromClient] derives it from the kind, as the plural of an
// English noun.
func (l *Live[T]) Resource() schema.GroupVersionResource { return l.resource }

// Namespaces returns the namespaces given to [InNamespaces]; none means all.
func (l *Live[T]) Namespaces() []string { return slices.Clone(l.namespaces) }

// ListerWatcher lists and watches all namespaces, or the only one that the
// repository is confined to.
func (l *Live[T]) ListerWatcher() cache.ListerWatcher {
	if len(l.namespaces) == 1 {
		return l.backend.listerWatcher(l.namespaces[0])
	}
	return l.ListerWatcherIn(metav1.NamespaceAll)
}

// ListerWatcherIn lists and watches one namespace, or all if that is empty. If the repository is
// confined to others, each request is an error of class Forbidden, and nothing is sent.
func (l *Live[T]) ListerWatcherIn(namespace string) cache.ListerWatcher {
	if len(l.namespaces) > 0 && !slices.Contains(l.namespaces, namespace) {
		return refusing{l.elsewhere(types.NamespacedName{Namespace: namespace})}
	}
	return l.backend.listerWatcher(namespace)
}

// Get reads the object from the API server, never from a cache. If it does not exist, the error
// is of class NotFound and apierrors.IsNotFound holds.
func (l *Live[T]) Get(ctx context.Context, key types.NamespacedName) (T, error) {
	if err := l.check(key); err != nil {
		return *new(T), l.wrap(kerr.OpGet, key, "", err)
	}
	got, err := l.backend.get(ctx, key)
	err = credentials.Mark(l.whose, err)
	if a, ref := journal.From(ctx), l.ref(key); a.Follows(ref) {
		switch {
		case err == nil:
			a.Learned(journal.Found(ref, got))
		case kerr.ClassOf(err) == kerr.ClassNotFound:
			a.Learned(journal.Write{Ref: ref, Outcome: journal.Gone})
		}
	}
	if err != nil {
		return *new(T), l.wrap(kerr.OpGet, key, "", err)
	}
	return got, nil
}

// GetUnstructured is Get of the object as the API server stores it: with fields that T does not
// have, and without zero fields that T has and the server does not.
//
// For a repository over a generated client the error is [errors.ErrUnsupported].
func (l *Live[T]) GetUnstructured(ctx context.Context, key types.NamespacedName) (*unstructured.Unstructured, error) {
	if err := l.check(key); err != nil {
		return nil, l.wrap(kerr.OpGet, key, "", err)
	}
	got, err := l.backend.raw(ctx, key)
	return got, l.wrap(kerr.OpGet, key, "", credentials.Mark(l.whose, err))
}

func (l *Live[T]) ref(key types.NamespacedName) journal.Ref {
	return journal.Ref{Kind: l.kind.GroupKind(), Key: key}
}

// Unauthenticated implements [Authenticated]. The credentials of a repository of [New] are those of its rest.Config,
// which all repositories share whose rest.Configs have the same server and credentials; those of [FromClient],
// [FromDynamic] and [FromMetadata] are the client's, which all repositories of that same client share. A 401 of
// another server or client, or that user code made, is none of them.
func (l *Live[T]) Unauthenticated(err error) bool { return credentials.IsMarked(l.whose, err) }

// With returns a repository of the same objects whose writes have the options, in addition to
// those that l has: Create, Update, Patch and Ensure, and with [DryRun] also Apply and deletions.
// l is not changed. It is the only way to give options to Patch, and to packages finalizer and
// status, which use it.
func (l *Live[T]) With(opts ...WriteOption) *Live[T] {
	c := *l
	c.writing = with(l.writing, opts)
	return &c
}

// DryRun implements [DryRunner]: it reports whether all writes are dry runs, by the option
// [DryRun] of [Live.With].
func (l *Live[T]) DryRun() bool { return l.writing.dryRun }

// Patch implements [Patcher]. Its options are those of [Live.With].
func (l *Live[T]) Patch(ctx context.Context, obj T, pt types.PatchType, data []byte, subresources ...string) (T, error) {
	w := l.writing
	if slices.Equal(subresources, []string{"status"}) {
		w.by = kerr.OpPatchStatus
	}
	return l.write(ctx, kerr.OpPatch, object(obj), w, func(ctx context.Context, key types.NamespacedName) (T, error) {
		return l.backend.patch(ctx, key, pt, data, l.writing.patchOptions(), subresources...)
	})
}

// write is the only place that a mutating request passes: it refuses what must not be sent, also
// by the fence in ctx, sends, attributes what was written to the reconcile in ctx, and wraps the
// error. send returns the zero T for a deletion; its ctx ends with the fence.
func (l *Live[T]) write(ctx context.Context, op kerr.Op, obj metav1.Object, w writing, send func(context.Context, types.NamespacedName) (T, error)) (T, error) {
	if err := l.refuse(op, obj); err != nil {
		return *new(T), err
	}
	key, uid := Key(obj), obj.GetUID()
	a := journal.From(ctx)
	fenced, leave, err := fence.Enter(ctx)
	if err != nil {
		return *new(T), l.wrap(op, key, uid, err)
	}
	got, err := send(fenced, key)
	leave()
	err = credentials.Mark(l.whose, err)
	by := string(cmp.Or(w.by, op))
	switch {
	case err != nil && w.dryRun:
		return *new(T), l.wrap(op, key, uid, nothingWritten(err))
	case w.dryRun: // nothing was written
	case err != nil:
		if err = unsure(err); kerr.ClassOf(err) == kerr.ClassAmbiguous {
			a.Unsure(l.ref(key))
		}
		return *new(T), l.wrap(op, key, uid, err)
	case got == *new(T):
		a.Wrote(by, journal.Write{Ref: l.ref(key), Outcome: journal.Deleted, UID: uid, ResourceVersion: obj.GetResourceVersion()})
	case removed(got):
		a.Wrote(by, journal.Write{Ref: l.ref(key), Outcome: journal.Gone, UID: got.GetUID(), ResourceVersion: got.GetResourceVersion()})
	case a != nil:
		a.Wrote(by, journal.Found(l.ref(key), got))
	}
	return got, nil
}

// removed reports whether a write was the end of an object: that of the last finalizer of one that
// is being deleted, and has no time of grace left. Fake clientsets, whose objects have no resourceVersion, keep it.
func removed(got metav1.Object) bool {
	grace := got.GetDeletionGracePeriodSeconds()
	return got.GetResourceVersion() != "" && got.GetDeletionTimestamp() != nil && len(got.GetFinalizers()) == 0 && (grace == nil || *grace == 0)
}

// object returns obj, or nil where a nil pointer would hide in the interface.
func object[T Object](obj T) metav1.Object {
	if obj == *new(T) {
		return nil
	}
	return obj
}

// refuse returns an error for an object that cannot be written, nil included.
func (l *Live[T]) refuse(op kerr.Op, obj metav1.Object) error {
	if obj == nil {
		return l.wrap(op, types.NamespacedName{}, "", kerr.ErrUnnamed)
	}
	return l.wrap(op, Key(obj), obj.GetUID(), l.check(Key(obj)))
}

// isSegment reports whether a name can stand in a path. What names a kind allows is for the server
// to say.
func isSegment(name string) bool { return len(content.IsPathSegmentName(name)) == 0 }

// check refuses a key that cannot be sent: no name, one that is no name, no namespace, or a namespace
// that the repository is not confined to.
func (l *Live[T]) check(key types.NamespacedName) error {
	switch {
	case l.err != nil:
		return l.err
	case key.Name == "", key.Namespace == "" && l.scope == scopeNamespaced:
		return kerr.ErrUnnamed
	case !isSegment(key.Name), key.Namespace != "" && !isSegment(key.Namespace):
		return kerr.Invalid(fmt.Errorf("%q cannot be the name of an object: it would be another part of the path", key.String()))
	case len(l.namespaces) > 0 && !slices.Contains(l.namespaces, key.Namespace):
		return l.elsewhere(key)
	case l.scope == scopeCluster && key.Namespace != "":
		return kerr.Terminal(fmt.Errorf("the kind has no namespaces, and the object is in %q", key.Namespace))
	}
	return nil
}

// elsewhere is the error for a namespace that the repository is not confined to.
func (l *Live[T]) elsewhere(key types.NamespacedName) error {
	return apierrors.NewForbidden(l.resource.GroupResource(), key.Name,
		errors.New("the repository is confined to other namespaces, and this one is "+strconv.Quote(key.Namespace)))
}

// refusing is a ListerWatcher that sends nothing.
type refusing struct{ err error }

func (r refusing) List(metav1.ListOptions) (runtime.Object, error)   { return nil, r.err }
func (r refusing) Watch(metav1.ListOptions) (watch.Interface, error) { return nil, r.err }

// unsure marks the error of a write as ambiguous if it is neither an answer of the
// API server nor known to have kept the request from being sent. An answer that
// cannot be decoded is one of those: the write happened, its result is unreadable.
func unsure(err error) error {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) || notSent(err) {
		return err
	}
	return kerr.Mark(kerr.ClassAmbiguous, err)
}

// nothingWritten is unsure for a dry run, whose outcome is known whatever its answer is.
func nothingWritten(err error) error {
	if kerr.ClassOf(err) == kerr.ClassAmbiguous {
		return kerr.Mark(kerr.ClassTransient, err)
	}
	return err
}

// notSent reports whether the error proves that the server did not get the request.
func notSent(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || credentials.Unverified(err) || fence.Refused(err)
}

func (l *Live[T]) wrap(op kerr.Op, key types.NamespacedName, uid types.UID, err error) error {
	return kerr.New(op, l.kind, key, uid, err)
}
