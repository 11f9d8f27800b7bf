package tables

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/duration"
)

// containers returns the names and the images of containers.
func containers(all []corev1.Container) (names, images string) {
	var name, image []string
	for _, c := range all {
		name, image = append(name, c.Name), append(image, c.Image)
	}
	return strings.Join(name, ","), strings.Join(image, ",")
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func deployment(d *appsv1.Deployment) []any {
	names, images := containers(d.Spec.Template.Spec.Containers)
	selected := "<invalid>"
	if selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector); err == nil {
		selected = selector.String()
	}
	return []any{
		d.Name, fmt.Sprintf("%d/%d", d.Status.ReadyReplicas, deref(d.Spec.Replicas, 1)), int64(d.Status.UpdatedReplicas), int64(d.Status.AvailableReplicas),
		age(d.CreationTimestamp), names, images, selected,
	}
}

func replicaSet(r *appsv1.ReplicaSet) []any {
	names, images := containers(r.Spec.Template.Spec.Containers)
	return []any{
		r.Name, int64(deref(r.Spec.Replicas, 1)), int64(r.Status.Replicas), int64(r.Status.ReadyReplicas), age(r.CreationTimestamp),
		names, images, metav1.FormatLabelSelector(r.Spec.Selector),
	}
}

func replicationController(r *corev1.ReplicationController) []any {
	var all []corev1.Container
	if r.Spec.Template != nil {
		all = r.Spec.Template.Spec.Containers
	}
	names, images := containers(all)
	return []any{
		r.Name, int64(deref(r.Spec.Replicas, 0)), int64(r.Status.Replicas), int64(r.Status.ReadyReplicas), age(r.CreationTimestamp),
		names, images, labels.FormatLabels(r.Spec.Selector),
	}
}

func statefulSet(s *appsv1.StatefulSet) []any {
	names, images := containers(s.Spec.Template.Spec.Containers)
	return []any{s.Name, fmt.Sprintf("%d/%d", s.Status.ReadyReplicas, deref(s.Spec.Replicas, 1)), age(s.CreationTimestamp), names, images}
}

func daemonSet(d *appsv1.DaemonSet) []any {
	names, images := containers(d.Spec.Template.Spec.Containers)
	s := d.Status
	return []any{
		d.Name, int64(s.DesiredNumberScheduled), int64(s.CurrentNumberScheduled), int64(s.NumberReady), int64(s.UpdatedNumberScheduled), int64(s.NumberAvailable),
		labels.FormatLabels(d.Spec.Template.Spec.NodeSelector), age(d.CreationTimestamp), names, images, metav1.FormatLabelSelector(d.Spec.Selector),
	}
}

func revision(r *appsv1.ControllerRevision) []any {
	controller := none
	if owner := metav1.GetControllerOf(r); owner != nil {
		group, _, found := strings.Cut(owner.APIVersion, "/")
		controller = strings.ToLower(owner.Kind) + "/" + owner.Name
		if found {
			controller = strings.ToLower(owner.Kind) + "." + group + "/" + owner.Name
		}
	}
	return []any{r.Name, controller, r.Revision, age(r.CreationTimestamp)}
}

func job(j *batchv1.Job) []any {
	names, images := containers(j.Spec.Template.Spec.Containers)
	done := fmt.Sprintf("%d/1", j.Status.Succeeded)
	switch parallel := deref(j.Spec.Parallelism, 0); {
	case j.Spec.Completions != nil:
		done = fmt.Sprintf("%d/%d", j.Status.Succeeded, *j.Spec.Completions)
	case parallel > 1:
		done += fmt.Sprintf(" of %d", parallel)
	}
	lasted := ""
	switch began, ended := j.Status.StartTime, j.Status.CompletionTime; {
	case began == nil:
	case ended == nil:
		lasted = duration.HumanDuration(time.Since(began.Time))
	default:
		lasted = duration.HumanDuration(ended.Sub(began.Time))
	}
	return []any{
		j.Name, jobStatus(j), done, lasted, age(j.CreationTimestamp), names, images, metav1.FormatLabelSelector(j.Spec.Selector),
	}
}

func jobStatus(j *batchv1.Job) string {
	is := func(condition batchv1.JobConditionType) bool {
		return slices.ContainsFunc(j.Status.Conditions, func(c batchv1.JobCondition) bool {
			return c.Type == condition && c.Status == corev1.ConditionTrue
		})
	}
	switch {
	case is(batchv1.JobComplete):
		return "Complete"
	case is(batchv1.JobFailed):
		return "Failed"
	case j.DeletionTimestamp != nil:
		return "Terminating"
	case is(batchv1.JobSuspended):
		return "Suspended"
	case is(batchv1.JobFailureTarget):
		return "FailureTarget"
	case is(batchv1.JobSuccessCriteriaMet):
		return "SuccessCriteriaMet"
	}
	return "Running"
}

func cronJob(c *batchv1.CronJob) []any {
	names, images := containers(c.Spec.JobTemplate.Spec.Template.Spec.Containers)
	suspended := unset
	if c.Spec.Suspend != nil {
		suspended = map[bool]string{true: "True", false: "False"}[*c.Spec.Suspend]
	}
	last := none
	if c.Status.LastScheduleTime != nil {
		last = age(*c.Status.LastScheduleTime)
	}
	return []any{
		c.Name, c.Spec.Schedule, deref(c.Spec.TimeZone, none), suspended, int64(len(c.Status.Active)), last, age(c.CreationTimestamp),
		names, images, metav1.FormatLabelSelector(c.Spec.JobTemplate.Spec.Selector),
	}
}

func budget(b *policyv1.PodDisruptionBudget) []any {
	least, most := "N/A", "N/A"
	if b.Spec.MinAvailable != nil {
		least = b.Spec.MinAvailable.String()
	}
	if b.Spec.MaxUnavailable != nil {
		most = b.Spec.MaxUnavailable.String()
	}
	return []any{b.Name, least, most, int64(b.Status.DisruptionsAllowed), age(b.CreationTimestamp)}
}

// autoscaler shows the targets of resources only: those of other metrics are as unknown as they
// are on a server without metrics.
func autoscaler(a *autoscalingv2.HorizontalPodAutoscaler) []any {
	least := unset
	if a.Spec.MinReplicas != nil {
		least = fmt.Sprint(*a.Spec.MinReplicas)
	}
	ref := a.Spec.ScaleTargetRef
	return []any{
		a.Name, ref.Kind + "/" + ref.Name, targets(a), least, int64(a.Spec.MaxReplicas), int64(a.Status.CurrentReplicas), age(a.CreationTimestamp),
	}
}

func targets(a *autoscalingv2.HorizontalPodAutoscaler) string {
	if len(a.Spec.Metrics) == 0 {
		return none
	}
	var list []string
	for i, m := range a.Spec.Metrics {
		text := unknown + "/" + unknown
		if m.Resource != nil {
			now, wanted := unknown, "<auto>"
			if len(a.Status.CurrentMetrics) > i && a.Status.CurrentMetrics[i].Resource != nil {
				if used := a.Status.CurrentMetrics[i].Resource.Current.AverageUtilization; used != nil {
					now = fmt.Sprintf("%d%%", *used)
				}
			}
			if m.Resource.Target.AverageUtilization != nil {
				wanted = fmt.Sprintf("%d%%", *m.Resource.Target.AverageUtilization)
			}
			text = fmt.Sprintf("%s: %s/%s", m.Resource.Name, now, wanted)
		}
		list = append(list, text)
	}
	const most = 2
	if len(list) > most {
		return fmt.Sprintf("%s + %d more...", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

func scale(s *autoscalingv1.Scale) []any {
	return []any{s.Name, int64(s.Spec.Replicas), int64(s.Status.Replicas), age(s.CreationTimestamp)}
}

func podTemplate(t *corev1.PodTemplate) []any {
	names, images := containers(t.Template.Spec.Containers)
	return []any{t.Name, names, images, labels.FormatLabels(t.Template.Labels)}
}
