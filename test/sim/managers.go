package sim

import (
	"fmt"
	"maps"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// typedManagers are those of a kind that is compiled in, whose schema client-go has.
func typedManagers(gvk schema.GroupVersionKind, hasStatus bool) managed {
	return newManaged(gvk, hasStatus, typeConverter)
}

var typeConverter = sync.OnceValues(func() (managedfields.TypeConverter, error) {
	return applyconfigurations.NewTypeConverter(scheme.Scheme), nil
})

// managed keeps the managers of a kind's fields, for each subresource.
type managed struct{ main, status *managing }

type managing struct {
	manager func() (*managedfields.FieldManager, error)
	memo    memo
}

func newManaged(gvk schema.GroupVersionKind, hasStatus bool, converter func() (managedfields.TypeConverter, error)) managed {
	of := func(subresource string) *managing {
		return &managing{manager: sync.OnceValues(func() (*managedfields.FieldManager, error) {
			return newManager(gvk, hasStatus, subresource, converter)
		})}
	}
	return managed{main: of(""), status: of("status")}
}

func newManager(gvk schema.GroupVersionKind, hasStatus bool, subresource string, converter func() (managedfields.TypeConverter, error)) (*managedfields.FieldManager, error) {
	types, err := converter()
	if err != nil {
		return nil, err
	}
	reset := fieldpath.NewSet()
	switch {
	case !hasStatus:
	case subresource == "":
		reset = fieldpath.NewSet(fieldpath.MakePathOrDie("status"))
	default:
		reset = fieldpath.NewSet(fieldpath.MakePathOrDie("metadata"), fieldpath.MakePathOrDie("spec"))
	}
	filters := map[fieldpath.APIVersion]fieldpath.Filter{
		fieldpath.APIVersion(gvk.GroupVersion().String()): fieldpath.NewExcludeSetFilter(reset),
	}
	plain := plainObjects{gvk}
	return managedfields.NewDefaultCRDFieldManager(types, plain, plain, plain, gvk, gvk.GroupVersion(), subresource, filters)
}

func (m managed) of(w *write) (*managing, *managedfields.FieldManager, error) {
	use := m.main
	if w.subresource == "status" {
		use = m.status
	}
	manager, err := use.manager()
	if err != nil {
		return nil, nil, fmt.Errorf("field managers of %s: %w", w.resource.gvk.Kind, err)
	}
	return use, manager, nil
}

// updated notes in next who has changed which fields. current is nil for a new object.
func (m managed) updated(w *write, current, next *unstructured.Unstructured) error {
	use, manager, err := m.of(w)
	if err != nil {
		return err
	}
	if current == nil {
		current = &unstructured.Unstructured{}
		current.SetGroupVersionKind(w.resource.gvk)
	}
	metadata := child(next.Object, "metadata")
	work := func(current, next *unstructured.Unstructured) ([]any, error) {
		out, err := manager.Update(current, next, w.manager)
		if err != nil {
			return nil, err
		}
		o, _ := out.(*unstructured.Unstructured)
		fields, _, err := unstructured.NestedFieldNoCopy(o.Object, "metadata", "managedFields")
		entries, _ := fields.([]any)
		return entries, err
	}
	fields, fits, err := use.memo.update(w.manager, current.Object, next.Object, work)
	if !fits {
		fields, err = work(current, next)
	}
	if err != nil { // an object that does not fit its schema, which is found out later
		fields, _ = child(current.Object, "metadata")["managedFields"].([]any)
	}
	if len(fields) == 0 {
		delete(metadata, "managedFields")
		return nil
	}
	metadata["managedFields"] = fields
	return nil
}

// applied returns live with the fields that a manager applies.
func (m managed) applied(w *write, live, patch *unstructured.Unstructured, force bool) (*unstructured.Unstructured, error) {
	_, manager, err := m.of(w)
	if err != nil {
		return nil, err
	}
	out, err := manager.Apply(live, patch, w.manager, force)
	if err != nil {
		return nil, err
	}
	next, isObject := out.(*unstructured.Unstructured)
	if !isObject {
		return nil, fmt.Errorf("server-side apply made a %T", out)
	}
	return next, nil
}

// plainObjects converts between the versions of a kind as a CRD without a webhook does:
// only the version's name differs. It makes and defaults nothing.
type plainObjects struct{ gvk schema.GroupVersionKind }

func (p plainObjects) Convert(in, out, _ any) error {
	from, fromOK := in.(*unstructured.Unstructured)
	to, toOK := out.(*unstructured.Unstructured)
	if !fromOK || !toOK {
		return fmt.Errorf("convert a %T to a %T", in, out)
	}
	to.Object = maps.Clone(from.Object)
	return nil
}

func (p plainObjects) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	was := in.GetObjectKind().GroupVersionKind()
	gvk, ok := target.KindForGroupVersionKinds([]schema.GroupVersionKind{was})
	o, isObject := in.(*unstructured.Unstructured)
	if !ok || !isObject || gvk == was {
		return in, nil
	}
	out := &unstructured.Unstructured{Object: maps.Clone(asEventOf(gvk, o.Object))} // the object may be a stored one
	out.SetGroupVersionKind(gvk)
	return out, nil
}

func (p plainObjects) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

func (p plainObjects) Default(runtime.Object) {}

func (p plainObjects) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	return o, nil
}

var (
	_ runtime.ObjectConvertor = plainObjects{}
	_ runtime.ObjectDefaulter = plainObjects{}
	_ runtime.ObjectCreater   = plainObjects{}
	_ metav1.Object           = &unstructured.Unstructured{}
)
