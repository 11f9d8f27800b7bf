package controller_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

// paused sets the annotation, or removes it.
func paused(value string) func(*deployment) {
	return func(d *deployment) {
		metav1.SetMetaDataAnnotation(&d.ObjectMeta, controller.PausedAnnotation, value)
		if value == "" {
			delete(d.Annotations, controller.PausedAnnotation)
		}
	}
}

func pausedDeployment(name, value string) *deployment {
	d := newDeployment(name)
	paused(value)(d)
	return d
}

// in is a time that is so far away, for the annotation.
func in(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339) }

// TestG21NothingIsDoneWhilePaused, whatever happens, and what happened is applied at the end of the pause: once,
// for the newest state. Kills: a pause that some kind of event ends, one that is forgotten.
func TestG21NothingIsDoneWhilePaused(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Workers = 1
		children, maps := b.children()
		others, _ := b.children()
		enqueue := make(chan types.NamespacedName)
		var seen []int32
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			seen = append(seen, *d.Spec.Replicas)
			_, err := others.Get(ctx, nsName("read"))
			return controller.Requeue(time.Minute), ignoreNotFound(err)
		}
		b.make()
		controller.Owns(b.c, children)
		controller.References(b.c, others)
		b.c.Source(func(ctx context.Context, add func(types.NamespacedName)) error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case key := <-enqueue:
					add(key)
				}
			}
		})
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(time.Second), "and the other one was never applied")
		b.edit("a", paused("true"))
		require.Empty(t, b.settle(time.Hour), "timers do nothing")
		before := len(b.Writes())

		writes := 0
		owner := b.live("a")
		for name, happens := range map[string]func(){
			"a child": func() {
				b.createChild(maps, child("c", *metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind("Deployment"))))
			},
			"a read":     func() { b.createChild(maps, child("read")) },
			"a source":   func() { enqueue <- nsName("a"); enqueue <- nsName("new"); writes-- },
			"Enqueue":    func() { b.c.Enqueue(nsName("a")); b.c.Enqueue(nsName("new")); writes-- },
			"the status": func() { b.editStatus("a", func(s *appsv1.DeploymentStatus) { s.Replicas = 7 }) },
			"a label":    func() { b.edit("new", func(d *deployment) { d.Labels = map[string]string{"a": "b"} }) },
			"the spec":   func() { b.edit("a", scale(5)) },
		} {
			happens()
			writes++
			require.Empty(t, b.settle(time.Hour), name)
		}
		require.Len(t, b.Writes()[before:], writes, "none is ours")
		require.Empty(t, b.live("new").Finalizers)

		b.edit("a", paused(""))
		b.edit("new", paused("false"))
		require.ElementsMatch(t, []string{"apply a", "apply new"}, b.settle(time.Second))
		require.Contains(t, seen, int32(5), "the newest state")
		require.Equal(t, []string{ours}, b.live("new").Finalizers)
		require.Len(t, b.settle(time.Minute), 2, "timers go on")
	}, newDeployment("a"), pausedDeployment("new", "true"))
}

// TestG21ATimeEndsThePause, by the clock, whatever zone it has, to the second. Kills: a timer for the pause that
// is not there, a pause whose end is taken for an event of an own write.
func TestG21ATimeEndsThePause(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.start()
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		b.edit("a", paused(time.Now().Add(3*time.Hour).In(time.FixedZone("", 2*3600)).Format(time.RFC3339)))
		require.Empty(t, b.settle(3*time.Hour-time.Second))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		attempts := b.took()
		require.Equal(t, kerr.OpPause, attempts[1].Op)
		require.Equal(t, 3*time.Hour, attempts[1].Next)
		require.Contains(t, attempts[2].Reasons, controller.Reason{Verb: controller.VerbResumed})
		require.Zero(t, attempts[2].Parked, "nobody waited for us")
		require.Len(t, attempts, 3)
		require.Empty(t, b.settle(time.Hour), "once")

		b.edit("a", paused(in(-time.Hour)))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second), "a time that is over is no pause")
		b.edit("a", paused(in(time.Hour)))
		require.Empty(t, b.settle(time.Minute))
		b.edit("a", paused(in(5*time.Hour)))
		require.Empty(t, b.settle(4*time.Hour), "the later word counts")
		b.edit("a", paused(in(time.Minute)))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
	}, newDeployment("a"))
}

// TestG21NoFilterHidesThePause. Kills: a filter that decides about the annotation.
func TestG21NoFilterHidesThePause(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.make()
		b.c.Filter(informer.GenerationChanged[*deployment])
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		b.edit("a", paused("true"))
		b.edit("a", scale(2))
		require.Empty(t, b.settle(time.Second))
		b.edit("a", paused(""))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
	}, newDeployment("a"))
}

// TestG21APauseOutlivesTheProcess, and so does its end.
func TestG21APauseOutlivesTheProcess(t *testing.T) {
	inBubble(t, func(b *harness) {
		restart := func(meanwhile func()) {
			b.stop()
			require.NoError(t, <-b.done)
			meanwhile()
			b.run()
		}
		b.start()
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		restart(func() { b.edit("a", paused("true")) })
		require.Empty(t, b.settle(time.Hour))
		b.edit("a", scale(2))
		restart(func() {})
		require.Empty(t, b.settle(time.Hour))
		restart(func() { b.edit("a", paused("")) })
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))

		b.edit("a", paused(in(time.Hour)))
		restart(func() {})
		require.Empty(t, b.settle(59*time.Minute))
		require.Equal(t, []string{"apply a"}, b.settle(2*time.Minute))
		b.edit("a", paused(in(time.Hour)))
		restart(func() { time.Sleep(2 * time.Hour) })
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
	}, newDeployment("a"))
}

// TestG21ADeletionIsNotBlocked: Cleanup runs, and an object that has no finalizer goes at once. Kills: a pause
// that holds for what is being deleted.
func TestG21ADeletionIsNotBlocked(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.start()
		b.settle(time.Second)
		b.edit("a", paused("true"))
		require.Empty(t, b.settle(time.Hour))
		b.delete("a")
		b.delete("new")
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Second))
		require.Nil(t, b.live("a"))
		require.Nil(t, b.live("new"))
		require.Empty(t, b.settle(time.Hour), "nothing is owed to what was never applied")
		require.Empty(t, b.c.Stats().Parked)
	}, newDeployment("a"), pausedDeployment("new", "true"))
}

// TestG21WithoutAFinalizer.
func TestG21WithoutAFinalizer(t *testing.T) {
	d := pausedDeployment("a", "true")
	d.Finalizers = []string{"example.com/other"}
	inBubble(t, func(b *harness) {
		b.user.FinalizerName = controller.NoFinalizer
		b.start()
		require.Empty(t, b.settle(time.Hour))
		b.edit("a", paused(""))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		b.edit("a", paused("true"))
		b.delete("a")
		b.edit("a", paused(""))
		require.Empty(t, b.settle(time.Hour), "the end of a pause applies nothing that is being deleted")
	}, d)
}

// TestG21AFailingObjectStopsItsRetries, also from the middle of a long backoff, and begins anew. Kills: a backoff
// that hides the pause or its end, failures that go on counting.
func TestG21AFailingObjectStopsItsRetries(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { return controller.AwaitChange(), errBucket }
		b.start()
		b.settle(time.Hour)
		b.edit("a", paused("true"))
		b.settle(time.Second)
		require.NotNil(t, b.c.Inspect(nsName("a")).Paused)
		require.Equal(t, controller.ParkedPaused, b.c.Inspect(nsName("a")).Parked, "at once")
		require.Zero(t, b.c.Stats().Retrying)
		require.Empty(t, b.settle(time.Hour))
		b.took()
		b.edit("a", paused(""))
		require.NotEmpty(t, b.settle(time.Second))
		require.Equal(t, 1, b.took()[0].Failures)
	}, newDeployment("a"))
}

// TestG21AValueThatIsNone pauses, and is an error that is said once. Kills: a typo that counts as no pause, an
// error without an end.
func TestG21AValueThatIsNone(t *testing.T) {
	for _, value := range []string{"yes", "True", " true", "2026-01-02", "2026-01-02T15:04:05", "9999-12-31T23:59:59-01:00", "\x1b[2Jtrue"} {
		t.Run(value, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				b.start()
				require.Empty(t, b.settle(time.Hour))
				attempts := b.took()
				require.Len(t, attempts, 1)
				require.Equal(t, kerr.OpPause, attempts[0].Op)
				require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(attempts[0].Err))
				require.ErrorContains(t, attempts[0].Err, `pause Deployment ns/a: the annotation kuberator.dev/paused is "`)
				require.NotContains(t, attempts[0].Err.Error(), "\x1b")
				require.Equal(t, 1, b.worse())
				require.Error(t, b.c.Inspect(nsName("a")).Paused.Err)
				b.edit("a", paused("false"))
				require.Equal(t, []string{"apply a"}, b.settle(time.Second))
			}, pausedDeployment("a", value))
		})
	}
}

// TestG21AnErrorHandlerLearnsOfAWrongValue, and what it asks for is not done.
func TestG21AnErrorHandlerLearnsOfAWrongValue(t *testing.T) {
	inBubble(t, func(b *harness) {
		handled := 0
		user := withHandler{controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: b.noted("apply ", nil)}, func(err error) (action, error) {
			require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(err))
			handled++
			return controller.Requeue(time.Minute), nil
		}}
		c, err := controller.New(b.repo, user, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		require.Empty(t, b.settle(time.Hour))
		require.Equal(t, 1, handled)
		stop()
	}, pausedDeployment("a", "yes"))
}

// TestG21APauseThatComesWithTheAnswer to the finalizer that was added, and one that is set while the first attempt
// reads. Kills: an Apply that does not look at the state that it gets.
func TestG21APauseThatComesWithTheAnswer(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.fail(fault.On("patch", "deployments.apps").Nth(1).Then(fault.Call(func() { b.edit("a", paused("true")) })))
		b.start()
		require.Empty(t, b.settle(time.Hour))
		b.edit("a", paused(""))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
	}, newDeployment("a"))
	inBubble(t, func(b *harness) { // the cache ran before, and is behind
		in, err := informer.New(b.watched, nil)
		require.NoError(t, err)
		stop := b.runs(in)
		b.settle(time.Second)
		b.Watches("deployments.apps").Hold()
		b.edit("a", paused("true"))
		c, err := controller.NewFor(in, controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: b.noted("apply ", nil)}, &b.opts)
		require.NoError(t, err)
		halt := b.runs(c)
		require.Empty(t, b.settle(time.Second))
		c.Enqueue(nsName("a"))
		require.Empty(t, b.settle(time.Second), "also a second time, from a state that is older")
		b.Watches("deployments.apps").Release()
		require.Empty(t, b.settle(time.Hour))
		require.Empty(t, b.live("a").Finalizers)
		b.edit("a", paused(""))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		halt()
		stop()
	}, newDeployment("a"))
}

// TestG21AnApplyThatPausesItsObject. Kills: an own write whose event is dropped.
func TestG21AnApplyThatPausesItsObject(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			after := d.DeepCopy()
			paused(in(time.Hour))(after)
			_, err := b.repo.Update(ctx, d, after)
			return controller.AwaitChange(), err
		}
		b.make()
		b.c.Filter(func(_, _ *deployment) bool { return false }) // what it writes is no news
		b.run()
		require.Len(t, b.settle(59*time.Minute), 1)
		require.Equal(t, controller.ParkedPaused, b.c.Inspect(nsName("a")).Parked)
		require.Len(t, b.settle(2*time.Minute), 1)
	}, newDeployment("a"))
}

// TestG21G3xABypassedFinalizerOfAPausedObject is noticed, also if no Apply of this run had it, and not if it was
// never added.
func TestG21G3xABypassedFinalizerOfAPausedObject(t *testing.T) {
	held := pausedDeployment("a", "true")
	held.Finalizers = []string{ours}
	inBubble(t, func(b *harness) {
		b.start()
		require.Empty(t, b.settle(time.Hour))
		b.Watches("deployments.apps").Hold() // the removal of the finalizer and the end are one event
		b.edit("a", func(d *deployment) { d.Finalizers = nil })
		b.delete("a")
		b.delete("new")
		b.Watches("deployments.apps").Release()
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Minute))
	}, held, pausedDeployment("new", "true"))
}

// TestG21TheUninstallReleasesPausedObjects, and a Sweeper sees them.
func TestG21TheUninstallReleasesPausedObjects(t *testing.T) {
	held := pausedDeployment("a", "true")
	held.Finalizers = []string{ours}
	inBubble(t, func(b *harness) {
		var listed []*deployment
		user := sweeps{Funcs: controller.Funcs[*deployment]{FinalizerName: ours, CleanupFunc: b.noted("cleanup ", nil)}}
		user.sweep = func(ctx context.Context, list func(context.Context) ([]*deployment, error)) (err error) {
			listed, err = list(ctx)
			return err
		}
		c, err := controller.New(b.repo, user, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		b.settle(time.Second)
		stop()
		require.Len(t, listed, 1)
		_, is := controller.PauseOf(listed[0])
		require.True(t, is)
		require.NoError(t, c.ReleaseAll(b.t.Context()))
		require.Equal(t, []string{"cleanup a"}, b.settle(0))
		require.Empty(t, b.live("a").Finalizers)
	}, held)
}

// TestG21APauseIsNoWaitOfUsers: what Convergence measures begins at its end. Kills: a pause of a day that counts as
// a day of waiting.
func TestG21APauseIsNoWaitOfUsers(t *testing.T) {
	inBubble(t, func(b *harness) {
		w, fails := &watcher{}, true
		b.opts.Observer = w
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			time.Sleep(time.Second)
			if fails && *d.Spec.Replicas > 1 {
				return controller.AwaitChange(), kerr.Terminal(errBucket)
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute)
		b.edit("a", scale(2)) // which fails before the pause
		b.settle(time.Minute)
		b.edit("a", paused("true"))
		b.settle(time.Hour)
		b.edit("b", scale(2)) // which was asked for during the pause
		b.settle(24 * time.Hour)
		require.Empty(t, w.converged())
		fails = false
		b.edit("a", paused(""))
		b.edit("b", paused(""))
		b.settle(time.Minute)
		require.Len(t, w.converged(), 2)
		require.Equal(t, time.Second, w.converged()[0].After)
		require.Equal(t, time.Second, w.converged()[1].After)
	}, newDeployment("a"), pausedDeployment("b", "true"))
}

// TestG21PausedObjectsAreCounted, and do not hide those that are kept back for other reasons.
func TestG21PausedObjectsAreCounted(t *testing.T) {
	objs := []metav1.Object{newDeployment("z")}
	for i := range 12 {
		objs = append(objs, pausedDeployment("p"+string(rune('a'+i)), "true"))
	}
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			after := d.DeepCopy()
			after.Labels = map[string]string{"at": strconv.FormatInt(time.Now().Unix(), 10)}
			_, err := b.repo.Update(ctx, d, after)
			return controller.AwaitChange(), err
		}
		b.start()
		b.settle(time.Hour)
		paused := controller.Parked{Why: controller.ParkedPaused, Objects: 12, Longest: time.Hour}
		require.Equal(t, []controller.Parked{paused}, b.c.Stats().Parked)
		b.Watches("deployments.apps").Hold()
		b.c.Enqueue(nsName("z"))
		b.settle(time.Second)
		b.c.Enqueue(nsName("z"))
		b.settle(time.Second)
		require.Len(t, b.c.Stats().Parked, 2)
		require.Len(t, b.c.Stats().Kept, 10)
		require.Equal(t, nsName("z"), b.c.Stats().Kept[0])
		b.Watches("deployments.apps").Release()
	}, objs...)
}

func ignoreNotFound(err error) error {
	if kerr.ClassOf(err) == kerr.ClassNotFound {
		return nil
	}
	return err
}

func (b *harness) createChild(maps *repository.Live[*corev1.ConfigMap], cm *corev1.ConfigMap) {
	b.t.Helper()
	_, err := maps.Create(b.t.Context(), cm)
	require.NoError(b.t, err)
}

// pausable shows its pauses.
type pausable struct {
	controller.Funcs[*deployment]
	paused func(ctx context.Context, d *deployment) error
}

func (p pausable) Paused(ctx context.Context, d *deployment) error { return p.paused(ctx, d) }

func (pausable) HandleError(context.Context, *deployment, error) (action, error) {
	panic("the PauseHandler was told")
}

// TestG21APauseHandlerIsTold once for each pause and generation, and again if it fails. Kills: one call for each
// event, a failure that is forgotten, a pause that is not kept without an answer.
func TestG21APauseHandlerIsTold(t *testing.T) {
	inBubble(t, func(b *harness) {
		var told []string
		var fails error
		user := pausable{Funcs: controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: b.noted("apply ", nil)}}
		user.paused = func(ctx context.Context, d *deployment) error {
			_, limited := ctx.Deadline()
			require.True(t, limited)
			told = append(told, d.Annotations[controller.PausedAnnotation])
			d.Spec.Replicas = nil // it is a copy
			d.Annotations = nil
			if errors.Is(fails, errBucket) {
				panic(fails)
			}
			return fails
		}
		c, err := controller.New(b.repo, user, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		then := func(change func(*deployment)) []string {
			b.edit("a", change)
			require.Empty(t, b.settle(time.Hour))
			defer func() { told = nil }()
			return told
		}
		b.settle(time.Second)
		require.Equal(t, []string{"true"}, told)
		told = nil
		require.Empty(t, then(func(d *deployment) { d.Labels = map[string]string{"a": "b"} }))
		require.Equal(t, []string{"true"}, then(scale(3)), "for another generation")
		require.Equal(t, []string{"yes"}, then(paused("yes")), "also if the value is none")
		fails = kerr.Terminal(errors.New("no status"))
		require.Equal(t, []string{"true"}, then(paused("true")), "it asked not to be called again")
		fails = errBucket
		b.took()
		require.Greater(t, len(then(paused("TRUE"))), 10)
		failed := b.took()
		require.Equal(t, kerr.ClassPanic, kerr.ClassOf(failed[0].Err))
		require.Equal(t, kerr.OpPause, failed[0].Op)
		require.Empty(t, told)
		b.edit("a", paused(in(10*time.Hour+time.Minute+time.Second)))
		require.Empty(t, b.settle(10*time.Hour+time.Minute))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second), "it ends in time, whatever the handler does")
		fails, told = nil, nil
		require.Len(t, then(paused("true")), 1)
		b.edit("a", paused(""))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		require.Empty(t, told, "the end is told by Apply")
		stop()
	}, pausedDeployment("a", "true"))
}
