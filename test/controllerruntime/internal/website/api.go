// Package website is an operator of the field's usual shape, written with controller-runtime: a kind of
// its own with a status and conditions, a finalizer, children that it owns, and a Reconcile that may be
// called at any time. The tests of this module explore it.
//
// +groupName=example.com
// +versionName=v1
package website

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
)

// GroupVersion is that of Website.
var GroupVersion = schema.GroupVersion{Group: "example.com", Version: "v1"}

// Scheme returns a scheme that knows Website and the kinds of Kubernetes.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	_ = clientgoscheme.AddToScheme(scheme) // has no errors for a new scheme
	scheme.AddKnownTypes(GroupVersion, &Website{}, &WebsiteList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return scheme
}

// Website is a site that runs in the cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type Website struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   Spec   `json:"spec"`
	Status Status `json:"status,omitempty"`
}

// Spec is what the user asks for.
//
// +kubebuilder:object:generate=true
type Spec struct {
	// +kubebuilder:validation:MinLength=1
	Image string `json:"image"`
	// +kubebuilder:default=1
	Replicas int32 `json:"replicas,omitempty"`
}

// Status is what the operator has found.
//
// +kubebuilder:object:generate=true
type Status struct {
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Secret is the name of the Secret with the site's key.
	Secret string `json:"secret,omitempty"`
}

// WebsiteList is a list of Websites.
//
// +kubebuilder:object:root=true
type WebsiteList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Website `json:"items"`
}
