// Package v1 is the API of the operator: the kind Website.
//
// +kubebuilder:object:generate=true
// +groupName=web.example.com
package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Website is a few pages that are served under a name.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.spec.host`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type Website struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec WebsiteSpec `json:"spec"`
	// +optional
	Status WebsiteStatus `json:"status,omitzero"`
}

// WebsiteSpec is what the user wants.
type WebsiteSpec struct {
	// Host is the DNS name of the website.
	//
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`
	Host string `json:"host"`
	// Pages are the files of the website, by their name.
	//
	// +required
	Pages map[string]string `json:"pages"`
	// Replicas is how many Pods serve the website.
	//
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Replicas int32 `json:"replicas,omitempty"`
}

// ConditionReady is the type of the condition that says whether the Website is served.
const ConditionReady = "Ready"

// WebsiteStatus is what the operator has found and done.
type WebsiteStatus struct {
	// Conditions has an entry of type Ready.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// WebsiteList is a list of Websites.
//
// +kubebuilder:object:root=true
type WebsiteList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Website `json:"items"`
}
