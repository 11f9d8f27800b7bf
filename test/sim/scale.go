package sim

import (
	"fmt"
	"net/http"
	"slices"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// scalable are the kinds with the subresource scale.
var scalable = sets.New("deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers")

// scales is the kind of what the subresource shows, which is not stored.
var scales = func() *resource {
	r := &resource{gvk: autoscalingv1.SchemeGroupVersion.WithKind("Scale"), plural: "scales", namespaced: true}
	r.typed = newTyped(r.gvk)
	r.managed = managed{main: newManaging(r, "scale", fieldpath.NewSet(), deduced)}
	return r
}()

// scale serves the subresource by which autoscalers see all workloads alike.
func (s *Server) scale(r *request) (*http.Response, error) {
	rec, code := s.store.get(r.resource.gr(), r.key()), http.StatusOK
	if r.verb == "get" && rec == nil {
		return nil, apierrors.NewNotFound(r.resource.gr(), r.name)
	}
	if r.verb != "get" {
		if forms := scales.patches(); r.verb == "patch" && !slices.Contains(forms, r.contentType) {
			return nil, unsupportedMedia(forms...)
		}
		w, err := r.options()
		if err != nil {
			return nil, err
		}
		rec, code, err = s.modify(w, false, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			return r.scaled(w, current)
		})
		if err != nil {
			return nil, err
		}
	}
	scale, err := scaleOf(rec.view())
	if err != nil {
		return nil, err
	}
	return r.writeScale(code, scale)
}

// scaled is an object with as many replicas as the request wants.
func (r *request) scaled(w *write, current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	shown, err := scaleOf(current)
	if err != nil {
		return nil, err
	}
	next, err := r.rescaled(w, current, shown, "spec", "replicas")
	return next, err
}

// rescaled is an object with as many replicas as the request wants of what is shown. path is where
// the object has their number.
func (r *request) rescaled(w *write, current *unstructured.Unstructured, shown *autoscalingv1.Scale, path ...string) (next *unstructured.Unstructured, err error) {
	managers := managedfields.NewScaleHandler(current.GetManagedFields(), r.resource.gvk.GroupVersion(), r.resource.replicas(path))
	if shown.ManagedFields, err = managers.ToSubresource(); err != nil {
		return nil, fmt.Errorf("managers of the replicas of %s: %w", r.name, err)
	}
	scale, err := r.changedScale(w, shown)
	if err != nil {
		return nil, err
	}
	replicas, _ := child(scale.Object, "spec")["replicas"].(int64)
	switch uid := scale.GetUID(); {
	case replicas < 0 && r.resource.custom == nil: // of others it is said later, with their own path
		return nil, apierrors.NewInvalid(scales.gvk.GroupKind(), r.name, field.ErrorList{
			field.Invalid(field.NewPath("spec", "replicas"), replicas, "must be greater than or equal to 0"),
		})
	case uid != "" && uid != current.GetUID() && r.verb == "update":
		return nil, w.otherUID(uid, current.GetUID())
	case uid != "" && uid != current.GetUID():
		of := schema.GroupResource{Group: r.resource.gvk.Group, Resource: r.resource.plural + "/scale"}
		return nil, apierrors.NewConflict(of, r.name, fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", uid, current.GetUID())) //nolint:staticcheck // the server's words
	}
	next = current.DeepCopy()
	next.SetResourceVersion(scale.GetResourceVersion())
	if err := unstructured.SetNestedField(next.Object, replicas, path...); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	entries, err := managers.ToParent(scale.GetManagedFields())
	if err != nil {
		return nil, fmt.Errorf("managers of the replicas of %s: %w", r.name, err)
	}
	next.SetManagedFields(entries)
	return next, nil
}

// replicas says where the objects of a kind have the number of their replicas, in all versions.
func (r *resource) replicas(path []string) managedfields.ResourcePathMappings {
	parts := make([]any, len(path))
	for i, part := range path {
		parts[i] = part
	}
	at := fieldpath.MakePathOrDie(parts...)
	paths := managedfields.ResourcePathMappings{groupVersion(r.gvk): at}
	if r.custom != nil {
		for gvk := range r.custom.versions {
			paths[groupVersion(gvk)] = at
		}
	}
	return paths
}

// changedScale is the Scale that a request makes of one, as if it were an object of its own.
func (r *request) changedScale(w *write, shown *autoscalingv1.Scale) (*unstructured.Unstructured, error) {
	object, err := scales.untyped(shown)
	if err != nil {
		return nil, err
	}
	current := &unstructured.Unstructured{Object: object}
	part, change := *r, *w
	part.resource, change.resource = scales, scales
	var next *unstructured.Unstructured
	switch p := (&patch{request: &part, write: &change}); {
	case r.verb == "update":
		if object, err = part.object(&change); err == nil {
			next = &unstructured.Unstructured{Object: object}
			err = scales.managed.updated(&change, current, next)
		}
	case r.contentType == string(types.ApplyPatchType):
		next, err = p.apply(current)
	default:
		next, err = p.merge(current)
	}
	if err != nil {
		return nil, err
	}
	if err := change.adopt(next); err != nil {
		return nil, err
	}
	return next, change.checkName(next)
}

// scaleOf is what the subresource shows of an object.
func scaleOf(o *unstructured.Unstructured) (*autoscalingv1.Scale, error) {
	wanted, _ := child(o.Object, "spec")["replicas"].(int64)
	running, _ := child(o.Object, "status")["replicas"].(int64)
	selector := &metav1.LabelSelector{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(child(child(o.Object, "spec"), "selector"), selector); err != nil {
		return nil, fmt.Errorf("selector of %s: %w", o.GetName(), err)
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("selector of %s: %w", o.GetName(), err)
	}
	return newScale(o, wanted, running, parsed.String()), nil
}

func newScale(o *unstructured.Unstructured, wanted, running int64, selector string) *autoscalingv1.Scale {
	return &autoscalingv1.Scale{
		TypeMeta: metav1.TypeMeta{APIVersion: autoscalingv1.SchemeGroupVersion.String(), Kind: "Scale"},
		ObjectMeta: metav1.ObjectMeta{
			Name: o.GetName(), Namespace: o.GetNamespace(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(), CreationTimestamp: o.GetCreationTimestamp(),
		},
		Spec:   autoscalingv1.ScaleSpec{Replicas: int32(wanted)},                        //nolint:gosec // as the server does it
		Status: autoscalingv1.ScaleStatus{Replicas: int32(running), Selector: selector}, //nolint:gosec // as the server does it
	}
}
