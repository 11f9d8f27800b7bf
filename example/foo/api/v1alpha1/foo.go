// Package v1alpha1 is the API of the example operator foo: the kind Foo of Kubernetes' sample-controller.
//
// +kubebuilder:object:generate=true
// +groupName=foo.kuberator.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Foo asks for a Deployment.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Deployment",type=string,JSONPath=`.spec.deploymentName`
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.spec.replicas`
// +kubebuilder:printcolumn:name="Available",type=integer,JSONPath=`.status.availableReplicas`
type Foo struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec FooSpec `json:"spec"`
	// +optional
	Status FooStatus `json:"status,omitzero"`
}

// FooSpec says what is asked for.
type FooSpec struct {
	// DeploymentName is the name of the Deployment. If it changes, there is another Deployment in the place of
	// the one before.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`
	DeploymentName string `json:"deploymentName"`
	// Replicas is how many Pods the Deployment has.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Replicas *int32 `json:"replicas"`
}

// FooStatus says what there is.
type FooStatus struct {
	// AvailableReplicas is that of the Deployment.
	//
	// +optional
	AvailableReplicas int32 `json:"availableReplicas"`
}

// FooList is a list of Foos.
//
// +kubebuilder:object:root=true
type FooList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Foo `json:"items"`
}

// GroupVersion returns the group and version of the API.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: "foo.kuberator.dev", Version: "v1alpha1"}
}

// AddToScheme adds the types of the API to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion(), &Foo{}, &FooList{})
	metav1.AddToGroupVersion(s, GroupVersion())
	return nil
}
