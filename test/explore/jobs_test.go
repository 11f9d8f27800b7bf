package explore_test

import (
	"context"
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// jobber runs a Job for each ConfigMap, whose name holds the time at which the ConfigMap was created, and
// notes in an annotation when it is done. mistake is what a test has it do wrong.
type jobber struct {
	maps    *repository.Live[*corev1.ConfigMap]
	jobs    *repository.Live[*batchv1.Job]
	client  kubernetes.Interface
	mistake string
}

func (jobber) Finalizer() string { return controller.NoFinalizer }

func (jobber) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func (j jobber) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	job, err := j.job(ctx, cm)
	if err != nil && j.mistake == "gives up" {
		err = nil
	}
	if err != nil || job == nil || job.Status.CompletionTime == nil || cm.Annotations["done"] != "" {
		return controller.AwaitChange(), err
	}
	if j.mistake == "writes all" {
		cm.ResourceVersion = ""
		metav1.SetMetaDataAnnotation(&cm.ObjectMeta, "done", "yes")
		_, err = j.client.CoreV1().ConfigMaps(cm.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
		return controller.AwaitChange(), err
	}
	_, err = j.maps.Patch(ctx, cm, types.MergePatchType, []byte(`{"metadata":{"annotations":{"done":"yes"}}}`))
	return controller.AwaitChange(), err
}

func (j jobber) job(ctx context.Context, cm *corev1.ConfigMap) (*batchv1.Job, error) {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: fmt.Sprintf("%s-%d", cm.Name, cm.CreationTimestamp.Unix())}}
	job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	job.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.com/job:1"}}
	if err := repository.SetController(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"), job); err != nil {
		return nil, err
	}
	switch j.mistake {
	case "generated name":
		return j.generated(ctx, cm, job)
	case "other name":
		job.Name += "-" + string(cm.UID)[:4] // chance
	}
	got, err := j.jobs.Get(ctx, repository.Key(job))
	if apierrors.IsNotFound(err) {
		return j.jobs.Create(ctx, job)
	}
	return got, err
}

// generated makes a Job with a generated name, and then notes the name.
func (j jobber) generated(ctx context.Context, cm *corev1.ConfigMap, job *batchv1.Job) (*batchv1.Job, error) {
	if name := cm.Annotations["job"]; name != "" {
		return j.jobs.Get(ctx, types.NamespacedName{Namespace: cm.Namespace, Name: name})
	}
	job.Name, job.GenerateName = "", cm.Name+"-"
	job, err := j.client.BatchV1().Jobs(cm.Namespace).Create(ctx, job, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	_, err = j.maps.Patch(ctx, cm, types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"annotations":{"job":%q}}}`, job.Name))
	return nil, err
}

// midnight is when virtual time begins, in seconds since 1970.
const midnight = 946684800

func jobberCase(mistake string) mapCase {
	return mapCase{
		Kinds: sim.Core("configmaps", "jobs.batch", "pods"),
		New: func(env *explore.Env) (explore.Process, error) {
			maps, err := kuberator.Repository[corev1.ConfigMap](env)
			if err != nil {
				return nil, err
			}
			jobs, err := kuberator.Repository[batchv1.Job](env)
			if err != nil {
				return nil, err
			}
			client, err := kubernetes.NewForConfig(env.Config())
			if err != nil {
				return nil, err
			}
			c, err := controller.New(maps, jobber{maps, jobs, client, mistake}, &controller.Options{Logger: env.Logger(), Workers: 3})
			if err != nil {
				return nil, err
			}
			owned, err := informer.New(jobs, nil)
			if err != nil {
				return nil, err
			}
			controller.Owns(c, owned)
			return c, nil
		},
		Script: []explore.Step{
			explore.Create(configMap("a", "k", "1")), explore.Create(configMap("b", "k", "1")), explore.Settle(),
			explore.IfExists(explore.JobComplete(fmt.Sprintf("a-%d", midnight))), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
}

func TestJobs(t *testing.T) {
	long(t)
	requireMistakes(t, jobberCase, map[string]string{
		"generated name": "create jobs.batch default/a-*: committed+crash",
		"gives up":       fmt.Sprintf("create jobs.batch default/a-%d: rejected-500", midnight),
		"writes all":     "update configmaps default/a: conflict",
		"other name":     "two runs without faults differ",
	})
}
