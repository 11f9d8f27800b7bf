package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConfigMirror keeps copies of a ConfigMap, and of a Secret if it names one, in
// every namespace that matches a label selector.
//
// The copies have the names of their sources. An object of that name which the
// mirror did not create is never changed; the status names it as a conflict. All
// copies are deleted with the mirror.
//
// Whoever may write ConfigMirrors can read every Secret of the cluster, by having
// it copied to where they may read it. Grant it like a right to read Secrets.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=cmir
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Copies",type=integer,JSONPath=`.status.copies`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ConfigMirror struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec ConfigMirrorSpec `json:"spec"`
	// +optional
	Status ConfigMirrorStatus `json:"status,omitzero"`
}

// ConfigMirrorSpec says what is copied where.
type ConfigMirrorSpec struct {
	// Source is the ConfigMap to copy. While it does not exist, the copies stay as
	// they are.
	//
	// +required
	Source Source `json:"source"`
	// Secret is a Secret to copy too. Removing it from the spec removes its copies.
	//
	// +optional
	Secret *SecretSource `json:"secret,omitempty"`
	// NamespaceSelector says which namespaces get copies. An empty selector, {},
	// matches every namespace, those of the system included. The namespace of a
	// source keeps the source and gets no copy; a namespace that is being deleted
	// gets none either.
	//
	// +required
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`
}

// Source names a ConfigMap.
type Source struct {
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace"`
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
}

// SecretSource names a Secret.
type SecretSource struct {
	// Namespace is that of the ConfigMap if it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
}

// ConfigMirrorList is a list of ConfigMirrors.
//
// +kubebuilder:object:root=true
type ConfigMirrorList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ConfigMirror `json:"items"`
}
