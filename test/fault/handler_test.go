package fault_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/fault"
)

// inform runs an informer for the ConfigMaps of the world's namespace until ctx ends, and tells
// heard what it is told. ended waits for that.
func (w *world) inform(ctx context.Context, t *testing.T, injector *fault.Injector, heard chan<- string) (informer cache.SharedIndexInformer, ended func()) {
	t.Helper()
	from := cache.NewListWatchFromClient(w.client(t, injector).CoreV1().RESTClient(), "configmaps", w.namespace, fields.Everything())
	informer = cache.NewSharedIndexInformer(from, &corev1.ConfigMap{}, 0, nil)
	_, err := informer.AddEventHandler(handler(heard))
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() { informer.RunWithContext(ctx) })
	return informer, running.Wait
}

// handler says what an informer shows: +name, ~name and -name.
func handler(heard chan<- string) cache.ResourceEventHandler {
	name := func(object any) string {
		if last, isLast := object.(cache.DeletedFinalStateUnknown); isLast {
			object = last.Obj
		}
		if object, isMap := object.(*corev1.ConfigMap); isMap {
			return object.Name
		}
		return "?"
	}
	version := func(object any) string { return object.(metav1.Object).GetResourceVersion() }
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { heard <- "+" + name(object) },
		UpdateFunc: func(before, after any) {
			if version(before) != version(after) { // it is not only listed again
				heard <- "~" + name(after)
			}
		},
		DeleteFunc: func(object any) { heard <- "-" + name(object) },
	}
}
