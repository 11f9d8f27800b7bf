package fake

import (
	"context"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/test/sim"
)

// Option changes what [Harden] does.
type Option func(*options)

type options struct {
	crds    [][]byte
	objects []runtime.Object
	shape   shape
	sim     sim.Options
}

// WithCRD adds the kinds of CustomResourceDefinitions, in YAML or JSON, with their schemas and
// subresources. Kinds of the scheme that no document defines are served without a schema, in
// namespaces, with a status subresource if their Go type has a Status.
func WithCRD(documents ...[]byte) Option {
	return func(o *options) { o.crds = append(o.crds, documents...) }
}

// WithObjects adds objects that exist from the beginning, beside those that the clientset was
// made with.
func WithObjects(objects ...runtime.Object) Option {
	return func(o *options) { o.objects = append(o.objects, objects...) }
}

// Unstructured is for the fake of client-go's package dynamic, whose objects are unstructured.
func Unstructured() Option { return func(o *options) { o.shape = unstructuredShape{} } }

// MetadataOnly is for the fake of client-go's package metadata, whose objects have metadata only.
func MetadataOnly() Option { return func(o *options) { o.shape = metadataShape{} } }

// WithGarbageCollection deletes objects whose owners are gone, and empties namespaces that
// are deleted.
func WithGarbageCollection() Option {
	return func(o *options) { o.sim.GarbageCollection, o.sim.NamespaceDeletion = true, true }
}

// Harden puts a simulated API server behind a fake clientset of client-go: the Fake that
// NewClientset, NewSimpleDynamicClient and generated clientsets embed. known has the Go types
// of the clientset, and is the scheme that was given to it. What the clientset holds is taken
// over; reactors that it has are replaced, and ones prepended later come first.
//
// A namespace exists as soon as something is created in it; in this one respect the fake is less
// strict than a server.
//
// The server ends with the test. In a bubble of testing/synctest, call it in the bubble. It
// returns the server, for what a clientset cannot do: to hold watches back, to expire
// resourceVersions, to make clients of other kinds.
//
// # Errors
//
// It fails the test if a CRD or an object is refused.
func Harden(t testing.TB, f *clienttesting.Fake, known *runtime.Scheme, opts ...Option) *sim.Server {
	t.Helper()
	o := &options{shape: typedShape{known}}
	for _, opt := range opts {
		opt(o)
	}
	o.sim.Kinds = append(sim.AllCore(), sim.CRD(o.crds...)...)
	o.sim.Kinds = append(o.sim.Kinds, undefined(known, o.sim.Kinds)...)
	server, err := sim.New(o.sim)
	if err != nil {
		t.Fatalf("harden a fake clientset: %v", err)
	}
	client, err := dynamic.NewForConfig(server.Config())
	if err != nil {
		t.Fatalf("harden a fake clientset: %v", err)
	}
	t.Cleanup(server.Close)
	h := &hardened{ctx: t.Context(), server: server, client: client, scheme: known, shape: o.shape}
	if err := h.takeOver(f, o.objects); err != nil {
		t.Fatalf("harden a fake clientset: %v", err)
	}
	f.Lock()
	f.ReactionChain, f.WatchReactionChain = nil, nil
	f.Unlock()
	f.AddReactor("*", "*", h.react)
	f.AddWatchReactor("*", h.watch)
	return server
}

// hardened answers the calls of a clientset.
type hardened struct {
	ctx    context.Context //nolint:containedctx // a reactor gets none
	server *sim.Server
	client dynamic.Interface
	scheme *runtime.Scheme
	shape  shape
}

// undefined are the kinds of a scheme that nothing else defines.
func undefined(known *runtime.Scheme, defined []sim.Kind) []sim.Kind {
	have := map[string]bool{}
	for _, kind := range defined {
		have[kind.GroupKind().String()] = true
	}
	var out []sim.Kind
	for gvk, goType := range known.AllKnownTypes() {
		field, isObject := goType.FieldByName("ObjectMeta")
		switch {
		case !isObject, field.Type != reflect.TypeFor[metav1.ObjectMeta](), gvk.Version == runtime.APIVersionInternal,
			have[gvk.GroupKind().String()], scheme.Scheme.Recognizes(gvk): // those of Kubernetes that are not stored
			continue
		}
		have[gvk.GroupKind().String()] = true
		_, status := goType.FieldByName("Status")
		out = append(out, sim.Schemaless(known.PrioritizedVersionsForGroup(gvk.Group)[0].WithKind(gvk.Kind), status)...)
	}
	return out
}

// takeOver stores what a clientset holds, and what the test gives.
func (h *hardened) takeOver(f *clienttesting.Fake, objects []runtime.Object) error {
	for _, gvr := range h.server.Served() {
		gvk, _ := h.server.KindFor(gvr)
		for _, item := range held(f, gvr, gvk) {
			item.GetObjectKind().SetGroupVersionKind(gvk)
			objects = append(objects, item)
		}
	}
	f.ClearActions()
	for _, object := range objects {
		if err := h.store(object); err != nil {
			return err
		}
	}
	return nil
}

// held lists what a clientset holds of a kind; nothing, if it has no such kind.
func held(f *clienttesting.Fake, gvr schema.GroupVersionResource, gvk schema.GroupVersionKind) []runtime.Object {
	// The second kind is the one by which the fake of package metadata keeps lists.
	for _, gvk := range []schema.GroupVersionKind{gvk, {Group: "fake-metadata-client-group", Version: "v1"}} {
		list, err := f.Invokes(clienttesting.NewListAction(gvr, gvk, metav1.NamespaceAll, metav1.ListOptions{}), nil)
		if err != nil || list == nil || !meta.IsListType(list) {
			continue
		}
		if items, err := meta.ExtractList(list); err == nil && len(items) > 0 {
			return items
		}
	}
	return nil
}

// store creates an object with its status, as a server has it that is running for long.
func (h *hardened) store(object runtime.Object) error {
	o, err := h.untyped(object)
	if err != nil {
		return err
	}
	gvr, namespaced, ok := h.server.Mapping(o.GroupVersionKind())
	if !ok {
		return &notServed{o.GroupVersionKind()}
	}
	var in dynamic.ResourceInterface = h.client.Resource(gvr)
	if namespaced {
		if o.GetNamespace() == "" {
			o.SetNamespace(metav1.NamespaceDefault)
		}
		if err := h.server.AddNamespace(o.GetNamespace()); err != nil {
			return err
		}
		in = h.client.Resource(gvr).Namespace(o.GetNamespace())
	}
	status, hasStatus, _ := unstructured.NestedMap(o.Object, "status")
	o.SetResourceVersion("")
	created, err := in.Create(h.ctx, o, metav1.CreateOptions{})
	if err != nil || !hasStatus || len(status) == 0 {
		return err
	}
	created.Object["status"] = status
	if _, err = in.UpdateStatus(h.ctx, created, metav1.UpdateOptions{}); isMissing(err) {
		return nil // it has no status subresource: the status was stored at once
	}
	return err
}
