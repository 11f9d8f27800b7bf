package configmirror

import (
	"errors"
	"strconv"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
)

// versioned is a tracker that gives every state a resourceVersion, and refuses writes
// that name an old one, as a server does and client-go's fakes do not. The library
// tells a stale cache by it.
type versioned struct {
	clienttesting.ObjectTracker
	newest atomic.Int64
}

func track(tracker clienttesting.ObjectTracker) *versioned {
	v := &versioned{ObjectTracker: tracker}
	v.newest.Store(1000) // above the numbers that the tracker gives to lists
	return v
}

func (v *versioned) stamp(obj runtime.Object) error {
	accessor, err := meta.Accessor(obj)
	if err == nil {
		accessor.SetResourceVersion(strconv.FormatInt(v.newest.Add(1), 10))
	}
	return err
}

// holds returns a conflict unless the stored object has that resourceVersion, or none
// is named.
func (v *versioned) holds(gvr schema.GroupVersionResource, ns, name, version string) error {
	stored, err := v.Get(gvr, ns, name)
	if err != nil {
		return err
	}
	if is, err := meta.Accessor(stored); err != nil || version != "" && is.GetResourceVersion() != version {
		return apierrors.NewConflict(gvr.GroupResource(), name, errors.New("it has been modified"))
	}
	return nil
}

func (v *versioned) replaces(gvr schema.GroupVersionResource, obj runtime.Object, ns string) error {
	accessor, err := meta.Accessor(obj)
	if err == nil {
		err = v.holds(gvr, ns, accessor.GetName(), accessor.GetResourceVersion())
	}
	if err == nil {
		err = v.stamp(obj)
	}
	return err
}

// Add implements ObjectTracker.
func (v *versioned) Add(obj runtime.Object) error {
	if err := v.stamp(obj); err != nil {
		return err
	}
	return v.ObjectTracker.Add(obj)
}

// Create implements ObjectTracker.
func (v *versioned) Create(gvr schema.GroupVersionResource, obj runtime.Object, ns string, opts ...metav1.CreateOptions) error {
	if err := v.stamp(obj); err != nil {
		return err
	}
	return v.ObjectTracker.Create(gvr, obj, ns, opts...)
}

// Update implements ObjectTracker.
func (v *versioned) Update(gvr schema.GroupVersionResource, obj runtime.Object, ns string, opts ...metav1.UpdateOptions) error {
	if err := v.replaces(gvr, obj, ns); err != nil {
		return err
	}
	return v.ObjectTracker.Update(gvr, obj, ns, opts...)
}

// Patch implements ObjectTracker.
func (v *versioned) Patch(gvr schema.GroupVersionResource, obj runtime.Object, ns string, opts ...metav1.PatchOptions) error {
	if err := v.replaces(gvr, obj, ns); err != nil {
		return err
	}
	return v.ObjectTracker.Patch(gvr, obj, ns, opts...)
}

// Delete implements ObjectTracker. What has finalizers is only marked.
func (v *versioned) Delete(gvr schema.GroupVersionResource, ns, name string, opts ...metav1.DeleteOptions) error {
	for _, opt := range opts {
		if p := opt.Preconditions; p != nil && p.ResourceVersion != nil {
			if err := v.holds(gvr, ns, name, *p.ResourceVersion); err != nil {
				return err
			}
		}
	}
	stored, err := v.Get(gvr, ns, name)
	if err != nil {
		return err
	}
	if obj, err := meta.Accessor(stored); err == nil && len(obj.GetFinalizers()) > 0 {
		now := metav1.Now()
		obj.SetDeletionTimestamp(&now)
		return v.Update(gvr, stored, ns)
	}
	return v.ObjectTracker.Delete(gvr, ns, name, opts...)
}
