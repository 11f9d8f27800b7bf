package explore

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

// The server of an exploration has no controllers for workloads. What follows are steps that write what
// those would: each waits until the operator has created the object, see [UpdateObject]. A name is that of
// an object in "default", or namespace/name.

// DeploymentAvailable has all Pods of a Deployment run, and writes that into its status.
func DeploymentAvailable(name string) Step {
	return statusStep(appsv1.SchemeGroupVersion.WithKind("Deployment"), name, func(d *appsv1.Deployment) {
		n := ptr.Deref(d.Spec.Replicas, 1)
		d.Status = appsv1.DeploymentStatus{
			ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable", LastTransitionTime: now(), LastUpdateTime: now()},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable", LastTransitionTime: now(), LastUpdateTime: now()},
			},
		}
	})
}

// JobComplete has a Job finish, and writes that into its status.
func JobComplete(name string) Step {
	return Irreversible(statusStep(batchv1.SchemeGroupVersion.WithKind("Job"), name, func(j *batchv1.Job) {
		j.Status.StartTime, j.Status.CompletionTime = new(now()), new(now())
		j.Status.Active, j.Status.Succeeded = 0, ptr.Deref(j.Spec.Completions, 1)
		j.Status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
		j.Status.Conditions = []batchv1.JobCondition{
			{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, Reason: batchv1.JobReasonCompletionsReached, LastProbeTime: now(), LastTransitionTime: now()},
			{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, Reason: batchv1.JobReasonCompletionsReached, LastProbeTime: now(), LastTransitionTime: now()},
		}
	}))
}

// JobFailed has a Job fail as often as it may, and writes that into its status.
func JobFailed(name string) Step {
	return Irreversible(statusStep(batchv1.SchemeGroupVersion.WithKind("Job"), name, func(j *batchv1.Job) {
		const reason = batchv1.JobReasonBackoffLimitExceeded
		j.Status.StartTime = new(now())
		j.Status.Active, j.Status.Failed = 0, ptr.Deref(j.Spec.BackoffLimit, 6)+1
		j.Status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
		j.Status.Conditions = []batchv1.JobCondition{
			{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue, Reason: reason, LastProbeTime: now(), LastTransitionTime: now()},
			{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: reason, LastProbeTime: now(), LastTransitionTime: now()},
		}
	}))
}

// PodRunning has a Pod run and be ready, and writes that into its status.
func PodRunning(name string) Step {
	return statusStep(corev1.SchemeGroupVersion.WithKind("Pod"), name, func(p *corev1.Pod) {
		p.Status.Phase, p.Status.StartTime = corev1.PodRunning, new(now())
		p.Status.Conditions = nil
		for _, of := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: of, Status: corev1.ConditionTrue, LastTransitionTime: now()})
		}
		p.Status.ContainerStatuses = nil
		for _, c := range p.Spec.Containers {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
				Name: c.Name, Image: c.Image, Ready: true, Started: new(true),
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now()}},
			})
		}
	})
}

func now() metav1.Time { return metav1.NewTime(time.Now()) }

// statusStep changes the status of an object of a kind that Case.Scheme need not know.
func statusStep[O Object](kind schema.GroupVersionKind, name string, change func(O)) Step {
	return updateStep{object: named(kind, name), change: typed(change), subresources: []string{"status"}}
}
