// Package cron is an operator that runs Jobs at certain times, as the CronJobs of Kubernetes do.
package cron

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/cron/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

const (
	byOwner  = "owner"   // the index of Jobs by the UID of their task
	longest  = time.Hour // to the next look: a timer does not notice that a clock was set
	longName = 52        // of a task; with the time, it has to fit into a label of its Pods
)

// runner runs the Jobs of tasks.
type runner struct {
	tasks *repository.Live[*v1alpha1.CronTask]
	jobs  *repository.Live[*batchv1.Job]
	cache *informer.Informer[*batchv1.Job]
}

func (r *runner) apply(ctx context.Context, task *v1alpha1.CronTask) (controller.Action, error) {
	times, err := timetableOf(task)
	if err == nil && len(task.Name) > longName {
		err = fmt.Errorf("metadata.name: it has more than %d characters", longName)
	}
	if err != nil {
		if err := r.report(ctx, task, "Invalid", err.Error()); err != nil {
			return controller.AwaitChange(), err
		}
		return controller.AwaitChange(), kerr.Invalid(err)
	}
	jobs, err := r.cache.ByIndex(ctx, byOwner, string(task.UID))
	if err != nil {
		return controller.AwaitChange(), err
	}
	for _, job := range jobs { // also one of which a process before this one could not tell
		started(task, scheduled(job))
	}
	now, reason := time.Now(), "Suspended"
	if !task.Spec.Suspend {
		jobs, reason, err = r.start(ctx, task, jobs, times.last(since(task, now), now))
	}
	task.Status.Active = int32(len(active(jobs)))
	// The status comes before the deletion of old Jobs: one of them is to know that its time is over.
	if err := errors.Join(err, r.report(ctx, task, reason, "")); err != nil {
		return controller.AwaitChange(), err
	}
	if err := r.prune(ctx, task, jobs); err != nil || task.Spec.Suspend {
		return controller.AwaitChange(), err
	}
	if next := times.next(now); !next.IsZero() {
		return controller.Requeue(min(time.Until(next), longest)), nil
	}
	return controller.AwaitChange(), nil
}

// started notes that the Job for a time is there.
func started(task *v1alpha1.CronTask, at time.Time) {
	if last := task.Status.LastScheduleTime; last == nil || at.After(last.Time) {
		task.Status.LastScheduleTime = new(metav1.NewTime(at))
	}
}

// since returns the time after which a run can be due: what was started before is not, nor what is too late.
func since(task *v1alpha1.CronTask, now time.Time) time.Time {
	at := task.CreationTimestamp.Time
	if last := task.Status.LastScheduleTime; last != nil && last.After(at) {
		at = last.Time
	}
	if s := task.Spec.StartingDeadlineSeconds; s != nil {
		if deadline := now.Add(-time.Duration(*s) * time.Second); deadline.After(at) {
			at = deadline
		}
	}
	return at
}

// start runs the Job that is due, if there is one and the others let it. Its name is made of its time: who tries it
// again, after a crash or a lost answer, finds it.
func (r *runner) start(ctx context.Context, task *v1alpha1.CronTask, jobs []*batchv1.Job, due time.Time) ([]*batchv1.Job, string, error) {
	running := active(jobs)
	switch {
	case due.IsZero():
		return jobs, "Scheduled", nil
	case task.Spec.ConcurrencyPolicy == batchv1.ForbidConcurrent && len(running) > 0:
		return jobs, "Waiting", nil // their end is a change of what was read
	case task.Spec.ConcurrencyPolicy == batchv1.ReplaceConcurrent:
		for _, job := range running {
			if err := r.jobs.Delete(ctx, job, repository.IfUnchanged()); err != nil {
				return jobs, "Failed", err
			}
			jobs = slices.DeleteFunc(jobs, func(j *batchv1.Job) bool { return j == job })
		}
	}
	job, err := jobFor(task, due)
	if err == nil {
		job, err = r.jobs.Create(ctx, job)
	}
	if err != nil {
		return jobs, "Failed", err
	}
	started(task, due)
	return append(jobs, job), "Scheduled", nil
}

func (r *runner) report(ctx context.Context, task *v1alpha1.CronTask, reason, message string) error {
	ready := metav1.Condition{Type: "Ready", Status: metav1.ConditionTrue, Reason: reason, Message: message, ObservedGeneration: task.Generation}
	if reason == "Invalid" || reason == "Failed" {
		ready.Status = metav1.ConditionFalse
	}
	meta.SetStatusCondition(&task.Status.Conditions, ready)
	_, err := status.Patch(ctx, r.tasks, task, task.Status)
	return err
}

// prune deletes the oldest of the Jobs that have ended, and leaves as many as are asked for.
func (r *runner) prune(ctx context.Context, task *v1alpha1.CronTask, jobs []*batchv1.Job) (err error) {
	slices.SortFunc(jobs, func(a, b *batchv1.Job) int { return scheduled(b).Compare(scheduled(a)) })
	left := map[batchv1.JobConditionType]int32{batchv1.JobComplete: 3, batchv1.JobFailed: 1}
	if n := task.Spec.SuccessfulJobsHistoryLimit; n != nil {
		left[batchv1.JobComplete] = *n
	}
	if n := task.Spec.FailedJobsHistoryLimit; n != nil {
		left[batchv1.JobFailed] = *n
	}
	for _, job := range jobs {
		end := ended(job)
		if left[end]--; end != "" && left[end] < 0 {
			err = errors.Join(err, r.jobs.Delete(ctx, job))
		}
	}
	return err
}

// ended returns how a Job has ended, or nothing.
func ended(job *batchv1.Job) batchv1.JobConditionType {
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return c.Type
		}
	}
	return ""
}

func active(jobs []*batchv1.Job) []*batchv1.Job {
	return slices.DeleteFunc(slices.Clone(jobs), func(job *batchv1.Job) bool { return ended(job) != "" })
}
