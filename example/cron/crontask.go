package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/cron/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

const (
	byOwner = "owner"   // the index of Jobs by the UID of their task
	longest = time.Hour // to the next look: a timer does not notice that a clock was set
)

var invalid = event.Warning("InvalidSchedule", "Schedule")

// runner runs the Jobs of tasks.
type runner struct {
	tasks  *repository.Live[*v1alpha1.CronTask]
	jobs   *repository.Live[*batchv1.Job]
	cache  *informer.Informer[*batchv1.Job]
	events event.Recorder
}

func newController(cfg *rest.Config, events event.Recorder, opts *controller.Options) (controller.Runner, error) {
	tasks, err := repository.New[v1alpha1.CronTask](cfg, v1alpha1.Scheme(), v1alpha1.GroupVersion().WithResource("crontasks"))
	if err != nil {
		return nil, err
	}
	jobs, err := repository.New[batchv1.Job](cfg, scheme.Scheme, batchv1.SchemeGroupVersion.WithResource("jobs"))
	if err != nil {
		return nil, err
	}
	cache, err := informer.New(jobs, &opts.Informer)
	if err != nil {
		return nil, err
	}
	r := &runner{tasks, jobs, cache, events}
	c, err := controller.New(tasks, controller.Funcs[*v1alpha1.CronTask]{FinalizerName: controller.NoFinalizer, ApplyFunc: r.apply}, opts)
	if err != nil {
		return nil, err
	}
	controller.References(c, cache) // also the end of a Job leads to the next attempt
	return c, cache.AddIndex(byOwner, func(job *batchv1.Job) []string {
		if owner := metav1.GetControllerOf(job); owner != nil {
			return []string{string(owner.UID)}
		}
		return nil
	})
}

func (r *runner) apply(ctx context.Context, task *v1alpha1.CronTask) (controller.Action, error) {
	schedule, err := scheduleOf(task)
	if err != nil {
		r.events.Eventf(task, nil, invalid, "nothing is started: %v", err)
		return controller.AwaitChange(), kerr.Invalid(err)
	}
	jobs, err := r.cache.ByIndex(ctx, byOwner, string(task.UID))
	if err != nil {
		return controller.AwaitChange(), err
	}
	started := &task.Status.LastScheduleTime.Time
	for _, job := range jobs { // also one of which a process before this one could not tell
		*started = later(*started, scheduled(job))
	}
	now := time.Now().UTC()
	if due := last(schedule, since(task, now), now); !due.IsZero() && !task.Spec.Suspend {
		err = r.start(ctx, task, jobs, due)
	}
	// The status comes before the deletion of old Jobs: one of them is to know that its time is over.
	if _, failed := status.Patch(ctx, r.tasks, task, task.Status); err != nil || failed != nil {
		return controller.AwaitChange(), errors.Join(err, failed)
	}
	next := schedule.Next(now)
	if err := r.prune(ctx, task, jobs); err != nil || task.Spec.Suspend || next.IsZero() {
		return controller.AwaitChange(), err
	}
	return controller.Requeue(min(time.Until(next), longest)), nil
}

// start runs the Job that is due, if the others let it, and notes it. Who tries it again, after a crash or a lost
// answer, finds it by its name.
func (r *runner) start(ctx context.Context, task *v1alpha1.CronTask, jobs []*batchv1.Job, due time.Time) error {
	for _, job := range slices.DeleteFunc(slices.Clone(jobs), ended) {
		switch task.Spec.ConcurrencyPolicy {
		case batchv1.ForbidConcurrent:
			return nil // its end is a change of what was read
		case batchv1.ReplaceConcurrent:
			if err := r.jobs.Delete(ctx, job, repository.IfUnchanged()); err != nil {
				return err
			}
		}
	}
	job, err := jobFor(task, due)
	if err != nil {
		return err
	}
	if _, err := r.jobs.Create(ctx, job); err != nil {
		return err
	}
	task.Status.LastScheduleTime.Time = due
	return nil
}

// prune deletes the oldest of the Jobs that have ended, and leaves as many as are asked for.
func (r *runner) prune(ctx context.Context, task *v1alpha1.CronTask, jobs []*batchv1.Job) (err error) {
	old := slices.DeleteFunc(jobs, func(job *batchv1.Job) bool { return !ended(job) })
	slices.SortFunc(old, func(a, b *batchv1.Job) int { return scheduled(b).Compare(scheduled(a)) })
	for _, job := range old[min(len(old), int(ptr.Deref(task.Spec.HistoryLimit, 3))):] {
		err = errors.Join(err, r.jobs.Delete(ctx, job))
	}
	return err
}

// ended reports whether all Pods of a Job have ended, well or not.
func ended(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

// jobFor returns the Job of a task for a time, which its name is made of.
func jobFor(task *v1alpha1.CronTask, due time.Time) (*batchv1.Job, error) {
	template := task.Spec.JobTemplate.DeepCopy()
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Labels: template.Labels, Annotations: template.Annotations}, Spec: template.Spec}
	job.Namespace, job.Name = task.Namespace, fmt.Sprintf("%s-%d", task.Name, due.Unix()/60)
	metav1.SetMetaDataAnnotation(&job.ObjectMeta, batchv1.CronJobScheduledTimestampAnnotation, due.Format(time.RFC3339))
	return job, repository.SetController(task, v1alpha1.GroupVersion().WithKind("CronTask"), job)
}

// scheduled returns the time that a Job is for.
func scheduled(job *batchv1.Job) time.Time {
	at, _ := time.Parse(time.RFC3339, job.Annotations[batchv1.CronJobScheduledTimestampAnnotation])
	return at
}
