package configmirror

import (
	"strconv"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
)

// versioned is a tracker that gives every state a resourceVersion, as a server does
// and client-go's fakes do not. The library tells a stale cache by it.
type versioned struct {
	clienttesting.ObjectTracker
	newest atomic.Int64
}

func (v *versioned) stamp(obj runtime.Object) error {
	accessor, err := meta.Accessor(obj)
	if err == nil {
		accessor.SetResourceVersion(strconv.FormatInt(v.newest.Add(1), 10))
	}
	return err
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
	if err := v.stamp(obj); err != nil {
		return err
	}
	return v.ObjectTracker.Update(gvr, obj, ns, opts...)
}

// Patch implements ObjectTracker.
func (v *versioned) Patch(gvr schema.GroupVersionResource, obj runtime.Object, ns string, opts ...metav1.PatchOptions) error {
	if err := v.stamp(obj); err != nil {
		return err
	}
	return v.ObjectTracker.Patch(gvr, obj, ns, opts...)
}
