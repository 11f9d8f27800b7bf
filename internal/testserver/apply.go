package testserver

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
)

// createApplied is a server-side apply of an object that does not exist. Of one that
// exists it is a merge here: no field has an owner who could give it up.
func (s *Server) createApplied(a clienttesting.Action, w Write) (runtime.Object, error) {
	return s.commit(w, func() (runtime.Object, error) {
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(w.Patch), nil, nil)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		s.adopt(obj.(metav1.Object))
		return obj, s.tracker.Create(a.GetResource(), obj, a.GetNamespace())
	})
}

// Rewind puts an object back to an older state and resourceVersion, as an etcd that
// was restored from a backup does. Watches are told.
func (s *Server) Rewind(gvr schema.GroupVersionResource, obj metav1.Object) error {
	return s.tracker.Update(gvr, obj.(runtime.Object), obj.GetNamespace())
}
