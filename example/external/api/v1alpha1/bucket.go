// Package v1alpha1 is the API of the example operator external: the kind Bucket.
//
// +kubebuilder:object:generate=true
// +groupName=external.kuberator.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Bucket asks for a bucket of a provider outside of the cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="ID",type=string,JSONPath=`.status.id`
type Bucket struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BucketSpec   `json:"spec"`
	Status BucketStatus `json:"status,omitzero"`
}

// BucketSpec says what is asked for.
type BucketSpec struct {
	// +kubebuilder:validation:Minimum=1
	SizeGiB int64 `json:"sizeGiB"`
}

// BucketStatus says what there is. Nothing depends on it.
type BucketStatus struct {
	// ID is what the provider calls the bucket.
	ID string `json:"id,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BucketList is a list of Buckets.
//
// +kubebuilder:object:root=true
type BucketList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Bucket `json:"items"`
}

// GroupVersion returns the group and version of the API.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: "external.kuberator.dev", Version: "v1alpha1"}
}

// Scheme returns a scheme with the types of the API.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	s.AddKnownTypes(GroupVersion(), &Bucket{}, &BucketList{})
	metav1.AddToGroupVersion(s, GroupVersion())
	return s
}
