package fault_test

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

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
