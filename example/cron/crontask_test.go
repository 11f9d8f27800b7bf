package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/cron/api/v1alpha1"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func task(name, schedule string, policy batchv1.ConcurrencyPolicy) *v1alpha1.CronTask {
	task := &v1alpha1.CronTask{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	task.Spec.Schedule, task.Spec.ConcurrencyPolicy = schedule, policy
	task.Spec.JobTemplate.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	task.Spec.JobTemplate.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.com/job:1"}}
	return task
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// Kills: a field in README.md that a CronTask does not have, and a schedule that nobody can read.
func TestTheTaskOfREADMEIsOne(t *testing.T) {
	text, err := os.ReadFile("report.yaml")
	require.NoError(t, err)
	var report v1alpha1.CronTask
	require.NoError(t, yaml.UnmarshalStrict(text, &report))
	_, err = scheduleOf(&report)
	require.NoError(t, err)
}

func TestTimes(t *testing.T) {
	for name, test := range map[string]struct{ schedule, zone, after, now, last, next string }{
		"due":            {"0 * * * *", "", "2030-01-01T00:30:00Z", "2030-01-01T01:00:00Z", "2030-01-01T01:00:00Z", "2030-01-01T02:00:00Z"},
		"not due":        {"0 * * * *", "", "2030-01-01T01:00:00Z", "2030-01-01T01:59:59Z", "", "2030-01-01T02:00:00Z"},
		"many missed":    {"* * * * *", "", "2020-01-01T00:00:00Z", "2030-01-01T00:00:30Z", "2030-01-01T00:00:00Z", "2030-01-01T00:01:00Z"},
		"a month ago":    {"0 0 1 * *", "", "2029-01-01T00:00:00Z", "2030-01-31T00:00:00Z", "2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z"},
		"a zone":         {"0 9 * * *", "Europe/Berlin", "2030-01-01T00:00:00Z", "2030-01-01T08:00:00Z", "2030-01-01T08:00:00Z", "2030-01-02T08:00:00Z"},
		"summer time":    {"0 9 * * *", "Europe/Berlin", "2030-07-01T00:00:00Z", "2030-07-01T08:00:00Z", "2030-07-01T07:00:00Z", "2030-07-02T07:00:00Z"},
		"never, is rare": {"0 0 30 2 *", "", "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "", ""},
	} {
		cronTask := task("a", test.schedule, "")
		cronTask.Spec.TimeZone = test.zone
		schedule, err := scheduleOf(cronTask)
		require.NoError(t, err, name)
		for want, got := range map[string]time.Time{test.last: last(schedule, at(test.after), at(test.now)), test.next + " ": schedule.Next(at(test.now))} {
			if got.IsZero() {
				require.Empty(t, want[:max(0, len(want)-1)], name)
				continue
			}
			require.Contains(t, want, got.UTC().Format(time.RFC3339), name)
		}
	}
	for _, wrong := range []string{"", "* * * *", "TZ=UTC * * * * *", "61 * * * *"} {
		_, err := scheduleOf(task("a", wrong, ""))
		require.Error(t, err, wrong)
	}
	wrong := task("a", "* * * * *", "")
	wrong.Spec.TimeZone = "Europe/Atlantis"
	_, err := scheduleOf(wrong)
	require.ErrorContains(t, err, "unknown time zone Europe/Atlantis")
}

func kinds() []sim.Kind { return append(sim.Core("jobs.batch", "pods"), sim.CRD(crd)...) }

// With the rights of the manifests, in four hours: what each policy does while the Jobs never end, what is
// suspended, and what is wrong.
func TestPolicies(t *testing.T) {
	p := trial.Of(program())
	synctest.Test(t, func(t *testing.T) {
		events := &event.FakeRecorder{}
		trial.Run(t, kinds(), p, func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
			return newController(cfg, events, opts)
		}, func(ctx context.Context, cfg *rest.Config) {
			tasks, err := repository.New[v1alpha1.CronTask](cfg, v1alpha1.Scheme(), v1alpha1.GroupVersion().WithResource("crontasks"))
			require.NoError(t, err)
			suspended, wrong := task("suspended", "0 * * * *", ""), task("wrong", "hourly", "")
			suspended.Spec.Suspend = true
			for _, task := range []*v1alpha1.CronTask{
				task("allow", "0 * * * *", batchv1.AllowConcurrent), task("forbid", "0 * * * *", batchv1.ForbidConcurrent),
				task("replace", "0 * * * *", batchv1.ReplaceConcurrent), suspended, wrong,
			} {
				_, err := tasks.Create(ctx, task)
				require.NoError(t, err)
			}
			time.Sleep(4*time.Hour + time.Minute)
			jobs := kubernetes.NewForConfigOrDie(cfg).BatchV1().Jobs("default")
			list, err := jobs.List(ctx, metav1.ListOptions{})
			require.NoError(t, err)
			var names []string
			for _, job := range list.Items {
				names = append(names, job.Name)
			}
			name := func(task string, hour int64) string { return fmt.Sprintf("%s-%d", task, 946684800/60+60*hour) }
			require.ElementsMatch(t, []string{name("allow", 1), name("allow", 2), name("allow", 3), name("allow", 4), name("forbid", 1), name("replace", 4)}, names)
			for name, last := range map[string]string{"allow": "04:00", "forbid": "01:00", "suspended": "00:00", "wrong": "00:00"} {
				got, err := tasks.Get(ctx, repository.Key(task(name, "", "")))
				require.NoError(t, err)
				require.Equal(t, last, got.Status.LastScheduleTime.UTC().Format("15:04"), name)
			}
			require.Contains(t, events.Events()[0].String(), "Warning InvalidSchedule default/wrong: nothing is started: ")
			_, err = tasks.Create(ctx, task("every", "@every 1h", ""))
			require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(err), "%v", err)
			// When the Job ends, the last of the times that were missed is made up for.
			job := list.Items[slices.Index(names, name("forbid", 1))]
			job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue}, {Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
			job.Status.StartTime = new(metav1.Now())
			_, err = jobs.UpdateStatus(ctx, &job, metav1.UpdateOptions{})
			require.NoError(t, err)
			time.Sleep(time.Minute)
			_, err = jobs.Get(ctx, name("forbid", 4), metav1.GetOptions{})
			require.NoError(t, err)
		})
	})
}

// two is two o'clock of the first day of virtual time, in minutes.
const two = 946684800/60 + 2*60

func taskCase(newController func(*rest.Config, event.Recorder, *controller.Options) (controller.Runner, error)) explore.Case[*v1alpha1.CronTask] {
	return explore.Case[*v1alpha1.CronTask]{
		Kinds: kinds(), Scheme: v1alpha1.Scheme(), Quiet: 15 * time.Minute,
		New: func(env *explore.Env) (explore.Process, error) {
			probes := informer.Options{Probe: -1} // of which there would be a thousand
			return newController(env.Config(), &event.FakeRecorder{}, &controller.Options{Logger: env.Logger(), Informer: probes})
		},
		Script: []explore.Step{
			explore.Create(task("a", "0 2,4 * * *", batchv1.ForbidConcurrent)), explore.Settle(), explore.Wait(2 * time.Hour), explore.Settle(),
			explore.IfExists(explore.JobComplete(fmt.Sprintf("a-%d", two))), explore.Settle(),
			explore.Wait(135 * time.Minute), explore.Settle(),
			explore.Irreversible(explore.Update("a", func(task *v1alpha1.CronTask) { task.Spec.HistoryLimit = new(int32(0)) })), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
}

func TestExplored(t *testing.T) { trial.Explored(t, taskCase(newController)) }

// clocked names a Job after the time at which it is created.
type clocked struct {
	tasks *repository.Live[*v1alpha1.CronTask]
	jobs  *repository.Live[*batchv1.Job]
}

func newClocked(cfg *rest.Config, _ event.Recorder, opts *controller.Options) (controller.Runner, error) {
	tasks, err := repository.New[v1alpha1.CronTask](cfg, v1alpha1.Scheme(), v1alpha1.GroupVersion().WithResource("crontasks"))
	if err != nil {
		return nil, err
	}
	jobs, err := repository.New[batchv1.Job](cfg, scheme.Scheme, batchv1.SchemeGroupVersion.WithResource("jobs"))
	if err != nil {
		return nil, err
	}
	return controller.New(tasks, controller.Funcs[*v1alpha1.CronTask]{FinalizerName: controller.NoFinalizer, ApplyFunc: clocked{tasks, jobs}.apply}, opts)
}

func (c clocked) apply(ctx context.Context, task *v1alpha1.CronTask) (controller.Action, error) {
	schedule, err := scheduleOf(task)
	if err != nil {
		return controller.AwaitChange(), err
	}
	now := time.Now()
	if due := last(schedule, since(task, now), now); !due.IsZero() {
		job, err := jobFor(task, due)
		if err != nil {
			return controller.AwaitChange(), err
		}
		job.Name = fmt.Sprintf("%s-%d", task.Name, now.Unix())
		if _, err := c.jobs.Create(ctx, job); err != nil {
			return controller.AwaitChange(), err
		}
		task.Status.LastScheduleTime = metav1.NewTime(due)
		if _, err := status.Patch(ctx, c.tasks, task, task.Status); err != nil {
			return controller.AwaitChange(), err
		}
	}
	return controller.Requeue(time.Until(schedule.Next(now))), nil
}

// A process ends between the Job and the status, and the next one starts another Job for the same time.
func TestAJobThatRunsTwiceIsFound(t *testing.T) {
	trial.Finds(t, taskCase(newClocked), fmt.Sprintf("create jobs.batch default/a-%d: committed+crash", two*60), explore.Crashes(1))
}
