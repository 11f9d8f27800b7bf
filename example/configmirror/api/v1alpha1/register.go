package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion returns the group and version of the API.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: "mirror.kuberator.dev", Version: "v1alpha1"}
}

// Resource returns the resource of ConfigMirrors.
func Resource() schema.GroupVersionResource { return GroupVersion().WithResource("configmirrors") }

// Kind returns the kind of ConfigMirrors.
func Kind() schema.GroupVersionKind { return GroupVersion().WithKind("ConfigMirror") }

// AddToScheme adds the types of the API to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	builder := runtime.NewSchemeBuilder(func(s *runtime.Scheme) error {
		s.AddKnownTypes(GroupVersion(), &ConfigMirror{}, &ConfigMirrorList{})
		metav1.AddToGroupVersion(s, GroupVersion())
		return nil
	})
	return builder.AddToScheme(s)
}
