// Package v1alpha1 is the API of the example operator configmirror: the
// cluster-scoped kind ConfigMirror in the group mirror.kuberator.dev.
//
// +kubebuilder:object:generate=true
// +groupName=mirror.kuberator.dev
package v1alpha1
