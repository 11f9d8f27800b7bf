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

var typeConverter = sync.OnceValues(func() (managedfields.TypeConverter, error) {
	return applyconfigurations.NewTypeConverter(scheme.Scheme), nil
})

// managed keeps the managers of a kind's fields, for each subresource.
type managed struct{ main, status *managing }

type managing struct {
	manager func() (*managedfields.FieldManager, error)
	memo    memo
}

// newManaged makes those of a kind, whose other fields are set already. The converter knows its
// schema.
func newManaged(r *resource, converter func() (managedfields.TypeConverter, error)) managed {
	main := fieldpath.NewSet()
	if r.status {
		main.Insert(fieldpath.MakePathOrDie("status"))
	}
	return managed{main: newManaging(r, "", main, converter), status: newManaging(r, "status", r.resetsOfStatus(), converter)}
}

// newManaging makes those of a subresource, which leaves some fields as they are.
func newManaging(r *resource, subresource string, resets *fieldpath.Set, converter func() (managedfields.TypeConverter, error)) *managing {
	return &managing{manager: sync.OnceValues(func() (*managedfields.FieldManager, error) {
		types, err := converter()
		if err != nil {
			return nil, err
		}
		filter := fieldpath.NewExcludeSetFilter(resets)
		filters := map[fieldpath.APIVersion]fieldpath.Filter{fieldpath.APIVersion(groupVersion(r.gvk)): filter}
		if r.custom != nil && subresource == "status" {
			for gvk, has := range r.custom.withStatus {
				if has {
					filters[fieldpath.APIVersion(groupVersion(gvk))] = filter
				}
			}
		}
		plain := plainObjects{r.blank}
		return managedfields.NewDefaultCRDFieldManager(types, plain, plain, plain, r.gvk, r.gvk.GroupVersion(), subresource, filters)
	})}
}

// resetsOfStatus are the fields that the subresource leaves as they are.
func (r *resource) resetsOfStatus() *fieldpath.Set {
	resets := fieldpath.NewSet(fieldpath.MakePathOrDie("spec"))
	for _, name := range r.keptByStatus() {
		resets.Insert(fieldpath.MakePathOrDie("metadata", name))
	}
	if r.custom != nil {
		resets.Insert(fieldpath.MakePathOrDie("metadata"))
	}
	return resets
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
		if current, err = w.resource.blank(); err != nil {
			return err
		}
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
	if err != nil || len(fields) == 0 { // an object that does not fit its schema, in one of the versions of its managers
		delete(metadata, "managedFields")
		return nil
	}
	metadata["managedFields"] = fields
	return nil
}

// blank is what a new object is compared with. A Go type writes some fields that are empty, which
// then are nobody's.
func (r *resource) blank() (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	if r.typed != nil {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r.typed())
		if err != nil {
			return nil, fmt.Errorf("convert a %s: %w", r.gvk.Kind, err)
		}
		o.Object = object
	}
	o.SetGroupVersionKind(r.gvk)
	return o, nil
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
type plainObjects struct {
	blank func() (*unstructured.Unstructured, error)
}

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
	o, err := p.blank()
	if err != nil {
		return nil, err
	}
	o.SetGroupVersionKind(kind)
	return o, nil
}

var (
	_ runtime.ObjectConvertor = plainObjects{}
	_ runtime.ObjectDefaulter = plainObjects{}
	_ runtime.ObjectCreater   = plainObjects{}
	_ metav1.Object           = &unstructured.Unstructured{}
)
