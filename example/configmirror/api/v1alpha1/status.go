package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/status"
)

// ConditionReady is the type of the condition that sums up a mirror: True if every
// matching namespace has an equal copy.
const ConditionReady = "Ready"

// The reasons of the condition Ready.
const (
	// ReasonMirrored: every matching namespace has an equal copy.
	ReasonMirrored = "Mirrored"
	// ReasonSourceNotFound: a source does not exist; existing copies are kept.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonConflict: where a copy belongs there is an object that the mirror did not
	// create. It is left alone; the other namespaces have their copies.
	ReasonConflict = "Conflict"
	// ReasonInvalidSelector: the namespace selector is none; existing copies are kept.
	ReasonInvalidSelector = "InvalidSelector"
	// ReasonFailed: the API server refused something. It is tried again.
	ReasonFailed = "Failed"
	// ReasonDeleting: the mirror is being deleted and a copy could not be removed.
	// It is tried again.
	ReasonDeleting = "Deleting"
)

// ConfigMirrorStatus is what the operator found out and did.
type ConfigMirrorStatus struct {
	// ObservedGeneration is the generation of the spec that the rest is about.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions has an entry of type Ready, and one of type Paused while the mirror is paused.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Copies is the number of copies, of the ConfigMap and of the Secret.
	//
	// +optional
	Copies int32 `json:"copies"`
	// Conflicts names objects that are in the way of a copy, such as
	// "ConfigMap web/settings". If there are many it names the first.
	//
	// +optional
	// +listType=atomic
	Conflicts []string `json:"conflicts,omitempty"`
	// LastError is the error of the last attempt, empty after a success.
	//
	// +optional
	LastError string `json:"lastError,omitempty"`
}

var (
	_ status.GenerationObserver = (*ConfigMirrorStatus)(nil)
	_ status.ErrorObserver      = (*ConfigMirrorStatus)(nil)
)

// ObserveGeneration implements status.GenerationObserver.
func (s *ConfigMirrorStatus) ObserveGeneration(generation int64) { s.ObservedGeneration = generation }

// ObserveError implements status.ErrorObserver.
func (s *ConfigMirrorStatus) ObserveError(err error) {
	s.LastError = ""
	if err != nil {
		s.LastError = err.Error()
	}
}
