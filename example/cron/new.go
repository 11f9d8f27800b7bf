package cron

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/cron/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

//go:embed config/cron.kuberator.dev_crontasks.yaml
var crd []byte

// annotationTime is the time that a Job is for.
const annotationTime = "cron.kuberator.dev/scheduled-at"

func scheduled(job *batchv1.Job) time.Time {
	at, _ := time.Parse(time.RFC3339, job.Annotations[annotationTime])
	return at
}

// jobFor returns the Job of a task for a time.
func jobFor(task *v1alpha1.CronTask, due time.Time) (*batchv1.Job, error) {
	template := task.Spec.JobTemplate.DeepCopy()
	job := &batchv1.Job{Spec: template.Spec}
	job.Namespace, job.Name = task.Namespace, fmt.Sprintf("%s-%d", task.Name, due.Unix()/60)
	job.Labels, job.Annotations = template.Labels, maps.Clone(template.Annotations)
	metav1.SetMetaDataAnnotation(&job.ObjectMeta, annotationTime, due.Format(time.RFC3339))
	return job, repository.SetController(task, v1alpha1.GroupVersion().WithKind("CronTask"), job)
}

// Controller is the controller of CronTasks.
type Controller = controller.Controller[*v1alpha1.CronTask, controller.Funcs[*v1alpha1.CronTask]]

// New returns the controller. It does no I/O.
func New(cfg *rest.Config, opts *controller.Options) (*Controller, error) {
	r, err := newRunner(cfg, opts.Informer)
	if err != nil {
		return nil, err
	}
	return r.controller(r.apply, opts)
}

func newRunner(cfg *rest.Config, opts informer.Options) (*runner, error) {
	tasks, err := repository.New[v1alpha1.CronTask](cfg, types(), v1alpha1.GroupVersion().WithResource("crontasks"))
	if err != nil {
		return nil, err
	}
	jobs, err := repository.New[batchv1.Job](cfg, types(), batchv1.SchemeGroupVersion.WithResource("jobs"))
	if err != nil {
		return nil, err
	}
	cache, err := informer.New(jobs, &opts)
	if err != nil {
		return nil, err
	}
	return &runner{tasks, jobs, cache}, cache.AddIndex(byOwner, func(job *batchv1.Job) []string {
		if owner := metav1.GetControllerOf(job); owner != nil {
			return []string{string(owner.UID)}
		}
		return nil
	})
}

func (r *runner) controller(apply func(context.Context, *v1alpha1.CronTask) (controller.Action, error), opts *controller.Options) (*Controller, error) {
	c, err := controller.New(r.tasks, controller.Funcs[*v1alpha1.CronTask]{FinalizerName: controller.NoFinalizer, ApplyFunc: apply}, opts)
	if err == nil {
		controller.References(c, r.cache)
	}
	return c, err
}

func types() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// Program returns the arguments of operator.Main.
func Program() (name string, setup operator.Setup, opts *operator.Options) {
	setup = func(p *operator.Process) error {
		c, err := New(p.Config, p.Options())
		if err == nil {
			p.Lead(c)
		}
		return err
	}
	return "cron.kuberator.dev/cron", setup, &operator.Options{
		Description: "cron runs Jobs at the times that CronTasks name.",
		Scheme:      types(), CRDs: crd,
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"get", "create", "delete"}}},
	}
}
