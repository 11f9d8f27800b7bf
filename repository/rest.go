package repository

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/credentials"
	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/kerr"
)

// New returns the repository of the resource gvr, whose Go type is E, without
// generated code:
//
//	repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
//
// It sends no request. It returns an error if E is not in the scheme under the group and version of
// gvr, or if cfg is not usable. Files that cfg names, of a token or certificates, are followed: see
// docs/operating.md. If the server does not serve the resource, the first request
// returns kerr.ErrNotServed.
//
// If cfg sets no QPS, the client does not limit its rate, unlike client-go, whose default is 5
// requests/s: the server's Priority and Fairness does. Objects are sent and read as JSON, so that
// one object of a list that does not fit E does not make the others unreadable. A request for one
// object is sent once: client-go's own retries after a Retry-After are turned off.
//
// # Caveats
//
// E is the type itself and not a pointer to it. If the compiler says
//
//	**"k8s.io/api/core/v1".ConfigMap does not satisfy interface{**"k8s.io/api/core/v1".ConfigMap; repository.Object} (missing method DeepCopyObject)
//
// write New[corev1.ConfigMap] instead of New[*corev1.ConfigMap]. If the compiler says that a type
// of your own has no method DeepCopyObject, generate that, or use [FromDynamic].
//
// New[unstructured.Unstructured] compiles and returns an error: a type without a kind of its own
// is in no scheme. Use [FromDynamic], and [FromMetadata] for metav1.PartialObjectMetadata.
func New[E any, T interface {
	*E
	Object
}](cfg *rest.Config, s *runtime.Scheme, gvr schema.GroupVersionResource, opts ...Option) (*Live[T], error) {
	fail := func(err error) (*Live[T], error) {
		return nil, fmt.Errorf("repository of %s: %w", gvr.GroupResource(), err)
	}
	if cfg == nil || s == nil {
		return fail(errors.New("the rest.Config and the scheme must not be nil"))
	}
	if gvr.Version == "" || gvr.Resource == "" {
		return fail(fmt.Errorf("the version and the resource must not be empty, got %+v", gvr))
	}
	kind, err := kindOf(s, T(new(E)), gvr.GroupVersion())
	if err != nil {
		return fail(err)
	}
	codecs := serializer.NewCodecFactory(s)
	client, err := restClient(cfg, codecs, gvr.GroupVersion())
	if err != nil {
		return fail(err)
	}
	params := runtime.NewScheme()
	metav1.AddToGroupVersion(params, gvr.GroupVersion())
	b := restBackend[T]{
		kind: kind, resource: strings.ToLower(gvr.Resource), root: rootOf(gvr.GroupVersion()), client: client, codecs: codecs,
		params:    runtime.NewParameterCodec(params),
		newObject: func() T { return new(E) },
	}
	l := apply(&Live[T]{kind: kind, resource: gvr, backend: b, whose: credentials.Of(cfg)}, opts)
	if l.err != nil {
		return fail(l.err)
	}
	return l, nil
}

func kindOf(s *runtime.Scheme, obj runtime.Object, gv schema.GroupVersion) (schema.GroupVersionKind, error) {
	switch any(obj).(type) {
	case runtime.Unstructured:
		return schema.GroupVersionKind{}, fmt.Errorf("%T has no kind of its own: use FromDynamic in the place of New", obj)
	case *metav1.PartialObjectMetadata:
		return schema.GroupVersionKind{}, fmt.Errorf("%T has no kind of its own: use FromMetadata in the place of New", obj)
	}
	kinds, _, err := s.ObjectKinds(obj)
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("%T is not in the scheme, call the AddToScheme of its package: %w", obj, err)
	}
	for _, kind := range kinds {
		if kind.GroupVersion() == gv {
			return kind, nil
		}
	}
	return schema.GroupVersionKind{}, fmt.Errorf("%T is in the scheme as %v, not in %s", obj, kinds, gv)
}

// rootOf returns what the paths of a group and version begin with.
func rootOf(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.Group + "/" + gv.Version
}

func restClient(cfg *rest.Config, codecs serializer.CodecFactory, gv schema.GroupVersion) (*rest.RESTClient, error) {
	c, err := credentials.Follow(cfg)
	if err != nil {
		return nil, err
	}
	c.GroupVersion, c.APIPath = &gv, "/apis"
	if gv.Group == "" {
		c.APIPath = "/api"
	}
	c.NegotiatedSerializer = codecs.WithoutConversion()
	c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	if c.QPS == 0 && c.RateLimiter == nil {
		c.QPS = -1
	}
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return fence.Wrap(next, fence.From) })
	if c.UserAgent == "" {
		c.UserAgent = rest.DefaultKubernetesUserAgent()
	}
	return rest.RESTClientFor(c)
}

// restBackend sends requests, each once. client-go would answer a Retry-After by sleeping, ten
// times, inside the request: on a worker, for which other objects wait. The caller gets the error
// at once; a controller waits in its queue.
type restBackend[T Object] struct {
	kind      schema.GroupVersionKind
	resource  string
	root      string // of the paths of the group and version
	client    *rest.RESTClient
	codecs    serializer.CodecFactory
	params    runtime.ParameterCodec
	newObject func() T
}

// once makes a request for an object, or for all if the name is empty. It gives client-go the whole
// path: of its parts client-go joins it again each time that it looks at the URL, which is five
// times a request. The key was checked; see Live.check.
func (b restBackend[T]) once(r *rest.Request, key types.NamespacedName, sub ...string) *rest.Request {
	path := b.root
	if key.Namespace != "" {
		path += "/namespaces/" + key.Namespace
	}
	path += "/" + b.resource
	if key.Name != "" {
		path += "/" + key.Name
	}
	for _, part := range sub {
		if !isSegment(part) {
			return r.SubResource(part) // whose error it is
		}
	}
	if len(sub) > 0 {
		path += "/" + strings.Join(sub, "/")
	}
	return r.AbsPath(path).MaxRetries(0)
}

// with adds options to a request. Most have none, which takes client-go many allocations to say.
func (b restBackend[T]) with(r *rest.Request, opts runtime.Object) *rest.Request {
	if reflect.ValueOf(opts).Elem().IsZero() {
		return r
	}
	return r.VersionedParams(opts, b.params)
}

func (b restBackend[T]) answer(ctx context.Context, r *rest.Request) (T, error) {
	return b.object(r.Do(ctx))
}

// object decodes an answer as client-go does: without its kind.
func (b restBackend[T]) object(answer rest.Result) (T, error) {
	if err := answer.Error(); err != nil {
		return *new(T), err
	}
	if raw, err := answer.Raw(); err == nil {
		if obj, ok := b.decoded(raw); ok {
			obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			return obj, nil
		}
	}
	obj := b.newObject()
	return obj, answer.Into(obj)
}

// decoded decodes an object of the kind of the repository in one pass. client-go reads everything
// once before, for the kind. If it is another kind, or does not fit, client-go's decoder says what
// is wrong.
func (b restBackend[T]) decoded(raw []byte) (obj T, ok bool) {
	obj = b.newObject()
	err := utiljson.Unmarshal(raw, obj)
	return obj, err == nil && obj.GetObjectKind().GroupVersionKind() == b.kind
}

func (b restBackend[T]) get(ctx context.Context, key types.NamespacedName) (T, error) {
	answer := b.once(b.client.Get(), key).Do(ctx)
	obj, err := b.object(answer)
	if err != nil && answer.Error() == nil {
		err = undecodableOr(answer, err)
	}
	return obj, err
}

// undecodableOr marks the error if the answer is an object: what is not may be that of a proxy, or
// cut.
func undecodableOr(answer rest.Result, err error) error {
	data, rawErr := answer.Raw()
	if rawErr != nil {
		return err
	}
	if head, headErr := headOf(data); headErr != nil || head.Name == "" {
		return err
	}
	return kerr.Mark(kerr.ClassUndecodable, err)
}

func (b restBackend[T]) raw(ctx context.Context, key types.NamespacedName) (*unstructured.Unstructured, error) {
	answer := b.once(b.client.Get(), key).Do(ctx)
	if err := answer.Error(); err != nil { // which, unlike that of Raw, has the reason
		return nil, err
	}
	data, err := answer.Raw()
	if err != nil {
		return nil, err
	}
	got := &unstructured.Unstructured{}
	if err := got.UnmarshalJSON(data); err != nil { // such as an object that is nested too deep
		return nil, undecodableOr(answer, err)
	}
	return got, nil
}

func (b restBackend[T]) create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error) {
	all := types.NamespacedName{Namespace: obj.GetNamespace()}
	return b.answer(ctx, b.with(b.once(b.client.Post(), all), &opts).Body(obj))
}

func (b restBackend[T]) patch(ctx context.Context, key types.NamespacedName, pt types.PatchType, data []byte, opts metav1.PatchOptions, sub ...string) (T, error) {
	return b.answer(ctx, b.with(b.once(b.client.Patch(pt), key, sub...), &opts).Body(data))
}

func (b restBackend[T]) delete(ctx context.Context, key types.NamespacedName, opts metav1.DeleteOptions) error {
	return b.once(b.client.Delete(), key).Body(&opts).Do(ctx).Error()
}

func (b restBackend[T]) listerWatcher(namespace string) cache.ListerWatcher {
	return &tolerantListWatch[T]{restBackend: b, namespace: namespace}
}
