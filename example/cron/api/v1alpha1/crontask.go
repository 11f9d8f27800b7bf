// Package v1alpha1 is the API of the example operator cron: the kind CronTask.
//
// +kubebuilder:object:generate=true
// +groupName=cron.kuberator.dev
package v1alpha1

import (
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// CronTask runs a Job at certain times.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Schedule",type=string,JSONPath=`.spec.schedule`
// +kubebuilder:printcolumn:name="Last",type=date,JSONPath=`.status.lastScheduleTime`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 52",message="with the time, the name has to fit into a label of Pods"
type CronTask struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   CronTaskSpec   `json:"spec"`
	Status CronTaskStatus `json:"status,omitzero"`
}

// CronTaskSpec means what that of a CronJob means, but for HistoryLimit.
type CronTaskSpec struct {
	// +kubebuilder:validation:Pattern=`^([^@]|@[^e])`
	Schedule string `json:"schedule"`
	TimeZone string `json:"timeZone,omitempty"`
	Suspend  bool   `json:"suspend,omitempty"`
	// +kubebuilder:validation:Minimum=0
	StartingDeadlineSeconds *int64 `json:"startingDeadlineSeconds,omitempty"`
	// +kubebuilder:validation:Enum=Allow;Forbid;Replace
	ConcurrencyPolicy batchv1.ConcurrencyPolicy `json:"concurrencyPolicy,omitempty"`
	// HistoryLimit is how many Jobs stay that have ended: 3 by default.
	// +kubebuilder:validation:Minimum=0
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	JobTemplate batchv1.JobTemplateSpec `json:"jobTemplate"`
}

// CronTaskStatus says what was started.
type CronTaskStatus struct {
	// LastScheduleTime is the time that the last Job was for.
	LastScheduleTime metav1.Time `json:"lastScheduleTime,omitzero"`
}

// CronTaskList is a list of CronTasks.
//
// +kubebuilder:object:root=true
type CronTaskList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []CronTask `json:"items"`
}

// GroupVersion returns the group and version of the API.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: "cron.kuberator.dev", Version: "v1alpha1"}
}

// Scheme returns a scheme with the types of the API.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	s.AddKnownTypes(GroupVersion(), &CronTask{}, &CronTaskList{})
	metav1.AddToGroupVersion(s, GroupVersion())
	return s
}
