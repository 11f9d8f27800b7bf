package sim

import (
	"fmt"
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

// managers keep who manages which fields of objects of a kind, for server-side apply. They
// are those of the real server, made when they are first needed.
type managers = func(subresource string) (*managedfields.FieldManager, error)

// typedManagers are those of a kind that is compiled in, whose schema client-go has.
func typedManagers(gvk schema.GroupVersionKind) managed {
	return newManaged(gvk, typeConverter)
}

var typeConverter = sync.OnceValues(func() (managedfields.TypeConverter, error) {
	return applyconfigurations.NewTypeConverter(scheme.Scheme), nil
})

type managed struct{ main, status managers }

func newManaged(gvk schema.GroupVersionKind, converter func() (managedfields.TypeConverter, error)) managed {
	of := func(subresource string) managers {
		once := sync.OnceValues(func() (*managedfields.FieldManager, error) { return newManager(gvk, subresource, converter) })
		return func(string) (*managedfields.FieldManager, error) { return once() }
	}
	return managed{main: of(""), status: of("status")}
}

func newManager(gvk schema.GroupVersionKind, subresource string, converter func() (managedfields.TypeConverter, error)) (*managedfields.FieldManager, error) {
	types, err := converter()
	if err != nil {
		return nil, err
	}
	reset := fieldpath.NewSet(fieldpath.MakePathOrDie("status"))
	if subresource == "status" {
		reset = fieldpath.NewSet(fieldpath.MakePathOrDie("metadata"), fieldpath.MakePathOrDie("spec"))
	}
	filters := map[fieldpath.APIVersion]fieldpath.Filter{
		fieldpath.APIVersion(gvk.GroupVersion().String()): fieldpath.NewExcludeSetFilter(reset),
	}
	plain := plainObjects{gvk}
	return managedfields.NewDefaultCRDFieldManager(types, plain, plain, plain, gvk, gvk.GroupVersion(), subresource, filters)
}

func (m managed) of(w *write) (*managedfields.FieldManager, error) {
	manager := m.main
	if w.subresource == "status" {
		manager = m.status
	}
	found, err := manager(w.subresource)
	if err != nil {
		return nil, fmt.Errorf("field managers of %s: %w", w.resource.gvk.Kind, err)
	}
	return found, nil
}

// updated notes in next who has changed which fields. current is nil for a new object.
func (m managed) updated(w *write, current, next *unstructured.Unstructured) error {
	manager, err := m.of(w)
	if err != nil {
		return err
	}
	if current == nil {
		current = &unstructured.Unstructured{}
		current.SetGroupVersionKind(w.resource.gvk)
	}
	out := manager.UpdateNoErrors(current, next, w.manager)
	if o, ok := out.(*unstructured.Unstructured); ok {
		next.Object = o.Object
	}
	return nil
}

// applied returns live with the fields that a manager applies.
func (m managed) applied(w *write, live, patch *unstructured.Unstructured, force bool) (*unstructured.Unstructured, error) {
	manager, err := m.of(w)
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
	to.Object = from.Object
	return nil
}

func (p plainObjects) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	if gvk, ok := target.KindForGroupVersionKinds([]schema.GroupVersionKind{in.GetObjectKind().GroupVersionKind()}); ok {
		in.GetObjectKind().SetGroupVersionKind(gvk)
	}
	return in, nil
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
