package controller_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
)

var errBucket = errors.New("the bucket is on fire")

// Kills: failures that are forgotten with each retry.
func TestG10FailuresBackOffPerKey(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			if d.Name == "bad" {
				return controller.AwaitChange(), errBucket
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		calls := b.settle(time.Hour)
		require.Equal(t, 1, strings.Count(strings.Join(calls, " "), "apply good"))
		bad := slices.DeleteFunc(b.took(), func(a controller.Attempt) bool { return a.Key.Name != "bad" })
		require.Greater(t, len(bad), 15)
		require.Less(t, len(bad), 30, "100 ms doubling to 5 min fills an hour with about 24 attempts")
		for i, a := range bad {
			require.Equal(t, i+1, a.Failures)
			require.ErrorIs(t, a.Err, errBucket)
			require.LessOrEqual(t, a.Next, 5*time.Minute)
		}
		require.Equal(t, controller.Reason{Verb: controller.VerbRetry, Failures: 1}, bad[1].Reasons[len(bad[1].Reasons)-1])

		b.quiet()
		b.edit("bad", scale(2))
		require.Len(t, b.settle(time.Millisecond), 1, "a new generation runs at once")
		require.Equal(t, 1, b.took()[0].Failures, "and its failures are its own")
	}, newDeployment("bad"), newDeployment("good"))
}

// Kills: a deletion that waits for the backoff of an Apply.
func TestG10DeletionEndsABackoff(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { return controller.AwaitChange(), errBucket }
		b.start()
		b.settle(time.Hour)
		b.delete("a")
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Second))
		require.Nil(t, b.live("a"))
	}, newDeployment("a"))
}

func TestG16WhatAnErrorMeansForTheNextAttempt(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, "a", errBucket)
	for name, c := range map[string]struct {
		action action
		err    error
		calls  int // within an hour
		next   time.Duration
		level  zapcore.Level
	}{
		"terminal":              {err: kerr.Terminal(errBucket), calls: 1, next: -1, level: zapcore.ErrorLevel},
		"invalid":               {err: kerr.Invalid(errBucket), calls: 1, next: -1, level: zapcore.ErrorLevel},
		"too large":             {err: apierrors.NewRequestEntityTooLargeError("3 MiB"), calls: 1, next: -1, level: zapcore.ErrorLevel},
		"after":                 {err: kerr.After(20*time.Minute, errBucket), calls: 3, next: 20 * time.Minute, level: zapcore.ErrorLevel},
		"throttled":             {err: apierrors.NewTooManyRequests("later", 1200), calls: 3, next: 20 * time.Minute, level: zapcore.InfoLevel},
		"conflict":              {err: conflict, calls: 23, next: 100 * time.Millisecond, level: zapcore.DebugLevel},
		"a ctx of the user's":   {err: context.Canceled, calls: 23, next: 100 * time.Millisecond, level: zapcore.ErrorLevel},
		"throttled for ever":    {err: apierrors.NewTooManyRequests("later", 1<<30), calls: 1, next: time.Hour, level: zapcore.InfoLevel},
		"throttled and requeue": {action: controller.Requeue(time.Second), err: apierrors.NewTooManyRequests("later", 600), calls: 6, next: 10 * time.Minute, level: zapcore.InfoLevel},
		"at once, always":       {action: controller.Requeue(0), err: errBucket, calls: 23, next: 100 * time.Millisecond, level: zapcore.ErrorLevel},
		"requeue":               {action: controller.Requeue(20 * time.Minute), calls: 3, next: 20 * time.Minute, level: zapcore.DebugLevel},
		"requeue and terminal":  {action: controller.Requeue(20 * time.Minute), err: kerr.Terminal(errBucket), calls: 3, next: 20 * time.Minute, level: zapcore.ErrorLevel},
		"requeue and after":     {action: controller.Requeue(20 * time.Minute), err: kerr.After(time.Hour, errBucket), calls: 1, next: time.Hour, level: zapcore.ErrorLevel},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { return c.action, c.err }
				b.start()
				calls := b.settle(time.Hour - time.Minute)
				require.InDelta(t, c.calls, len(calls), float64(c.calls)/5)
				first := b.took()[0]
				require.InDelta(t, float64(c.next), float64(first.Next), float64(c.next)/5+2)
				if c.err != nil {
					require.ErrorIs(t, first.Err, c.err)
				}
				require.Equal(t, c.level, b.logs.All()[0].Level)
				require.Equal(t, len(calls), b.logs.Len(), "one record per attempt")

				b.quiet()
				b.edit("a", scale(2))
				require.NotEmpty(t, b.settle(100*time.Millisecond), "a new generation always runs")
			}, newDeployment("a"))
		})
	}
}

// Kills: an older Requeue that fires after a newer one.
func TestRequeueIsReplacedByTheLatestWord(t *testing.T) {
	inBubble(t, func(b *harness) {
		answers := []action{controller.Requeue(time.Minute), controller.Requeue(time.Hour), controller.AwaitChange()}
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			next := answers[0]
			answers = answers[1:]
			return next, nil
		}
		b.start()
		require.Len(t, b.settle(time.Second), 1)
		b.edit("a", scale(2))
		require.Len(t, b.settle(30*time.Minute), 1, "the first Requeue is history")
		require.Len(t, b.settle(24*time.Hour), 1, "and so is the second, after it was followed")
	}, newDeployment("a"))
}

// TestG10AFailureIsRetriedAlsoIfItsStateIsNews has the event of a new generation come
// while the attempt that works on that generation already runs, and fails.
// Kills: a retry that is left to an event, which is then dropped.
func TestG10AFailureIsRetriedAlsoIfItsStateIsNews(t *testing.T) {
	inBubble(t, func(b *harness) {
		failures := 0
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			if *d.Spec.Replicas == 1 || failures > 0 {
				return controller.AwaitChange(), nil
			}
			failures++
			time.Sleep(time.Minute)
			return controller.AwaitChange(), errBucket
		}
		b.make()
		b.c.Filter(func(before, after *deployment) bool {
			time.Sleep(time.Second) // the cache has the object by now
			return informer.Changed(before, after)
		})
		b.run()
		b.settle(time.Hour)
		b.edit("a", scale(2))
		b.settle(time.Millisecond)
		b.c.Enqueue(nsName("a"))
		require.Equal(t, []string{"apply a", "apply a"}, b.settle(time.Hour))
		require.Equal(t, 1, failures)
	}, newDeployment("a"))
}

// Kills: failures that are never forgotten.
func TestG10SuccessEndsFailuresAndTimers(t *testing.T) {
	inBubble(t, func(b *harness) {
		answers := []error{errBucket, errBucket, nil, errBucket, nil}
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			err := answers[0]
			answers = answers[1:]
			return controller.AwaitChange(), err
		}
		b.start()
		b.settle(time.Minute)
		b.c.Enqueue(nsName("a"))
		b.settle(time.Minute)
		require.Empty(t, answers)
		var failures []int
		for _, a := range b.took() {
			failures = append(failures, a.Failures)
		}
		require.Equal(t, []int{1, 2, 0, 1, 0}, failures)
	}, newDeployment("a"))
	inBubble(t, func(b *harness) {
		answers := []action{controller.Requeue(time.Hour), controller.AwaitChange()}
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			next := answers[0]
			answers = answers[1:]
			return next, nil
		}
		b.start()
		b.settle(time.Minute)
		b.edit("a", scale(2))
		require.Len(t, b.settle(24*time.Hour), 1, "AwaitChange ends the Requeue")
	}, newDeployment("a"))
}

// Kills: a panic that keeps the key, or takes the process down.
func TestG12PanicsAreContained(t *testing.T) {
	for name, f := range map[string]func(){
		"value":  func() { panic("boom") },
		"error":  func() { panic(errBucket) },
		"nil":    func() { panic(nil) },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				b.opts.Workers = 1
				failures := 2
				fail := func(context.Context, *deployment) (action, error) {
					if failures--; failures >= 0 {
						f()
					}
					return controller.AwaitChange(), nil
				}
				b.user.ApplyFunc, b.user.CleanupFunc = fail, fail
				b.start()
				require.Len(t, b.settle(time.Minute), 4, "both objects are applied in the end")
				first := b.took()[0]
				require.Equal(t, kerr.ClassPanic, kerr.ClassOf(first.Err))
				require.Equal(t, kerr.OpApply, first.Op)
				require.Positive(t, first.Next)
				_, ok := errors.AsType[*kerr.Error](first.Err)
				require.True(t, ok)
				failures = 1
				b.delete("a")
				require.Equal(t, []string{"cleanup a", "cleanup a"}, b.settle(time.Minute))
				require.Nil(t, b.live("a"))
			}, newDeployment("a"), newDeployment("b"))
		})
	}
}

// Kills: a panic outside Apply that takes the process down.
func TestG12PanicsOfObserverAndFilterAreContained(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Observer = controller.Observers(b, controller.ObserverFuncs{
			StartedFunc: func(context.Context, controller.Attempt) context.Context { panic("in Started") },
			EndedFunc:   func(context.Context, controller.Attempt) { panic("in Ended") },
			TroubleFunc: func(controller.Trouble) { panic("in Trouble") },
		})
		b.make()
		b.c.Filter(func(_, _ *deployment) bool { panic("in the filter") })
		b.run()
		b.settle(time.Minute)
		b.edit("a", scale(2))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "a filter that panics hides nothing")
		require.True(t, slices.ContainsFunc(b.troubled(), ofOp(kerr.OpFilter)))
		for _, method := range []string{"Started", "Ended", "Trouble"} {
			said := func(e observer.LoggedEntry) bool { return e.ContextMap()["error"] == "panic: in "+method }
			require.NotZero(t, b.logs.FilterMessage("Options.Observer panicked").Filter(said).Len(), method)
		}
	}, newDeployment("a"))
}

type withHandler struct {
	controller.Funcs[*deployment]
	handle func(err error) (action, error)
}

func (w withHandler) HandleError(_ context.Context, _ *deployment, err error) (action, error) {
	return w.handle(err)
}

func TestErrorHandlerDecides(t *testing.T) {
	for name, c := range map[string]struct {
		handle func(error) (action, error)
		calls  int
		class  kerr.Class
	}{
		"swallow": {func(error) (action, error) { return controller.AwaitChange(), nil }, 1, 0},
		"later":   {func(error) (action, error) { return controller.Requeue(40 * time.Minute), nil }, 2, 0},
		"mark":    {func(err error) (action, error) { return controller.AwaitChange(), kerr.Terminal(err) }, 1, kerr.ClassTerminal},
		"panic":   {func(error) (action, error) { panic("in the handler") }, 23, kerr.ClassPanic},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				calls := 0
				user := withHandler{controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: func(context.Context, *deployment) (action, error) {
					calls++
					return controller.AwaitChange(), errBucket
				}}, func(err error) (action, error) {
					step, ok := errors.AsType[*kerr.Error](err)
					require.True(t, ok)
					require.Equal(t, kerr.OpApply, step.Op)
					require.ErrorIs(t, err, errBucket)
					return c.handle(err)
				}}
				cc, err := controller.New(b.repo, user, &b.opts)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(b.t.Context())
				b.stop, b.done = cancel, make(chan error, 1)
				go func() { b.done <- cc.Run(ctx) }()
				b.settle(time.Hour)
				require.InDelta(t, c.calls, calls, float64(c.calls)/5)
				if first := b.took()[0]; c.class == 0 {
					require.NoError(t, first.Err)
				} else {
					require.Equal(t, c.class, kerr.ClassOf(first.Err))
				}
			}, newDeployment("a"))
		})
	}
}

// Kills: an attempt without a deadline.
func TestG13EveryAttemptHasADeadlineWithACause(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Timeout = time.Minute
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			if b.logs.Len() > 0 { // the second time
				return controller.AwaitChange(), nil
			}
			<-ctx.Done()
			require.ErrorContains(t, context.Cause(ctx), "Options.Timeout")
			return controller.AwaitChange(), context.Cause(ctx)
		}
		b.start()
		b.settle(90 * time.Second)
		first := b.took()[0]
		require.Equal(t, time.Minute, first.Duration)
		require.Equal(t, kerr.ClassTimeout, kerr.ClassOf(first.Err))
	}, newDeployment("a"))
}

// TestG1SingleFlight has user code that ignores its deadline, under a storm of
// events for its key.
// Kills: a key that is given away when its attempt ran out of time.
func TestG1SingleFlight(t *testing.T) {
	inBubble(t, func(b *harness) {
		var busy, most atomic.Int32
		b.opts.Workers, b.opts.Timeout = 64, time.Second
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			most.Store(max(most.Load(), busy.Add(1)))
			defer busy.Add(-1)
			time.Sleep(10 * time.Second) // past the deadline
			return controller.Requeue(0), nil
		}
		b.start()
		for i := range crowd(300) {
			b.edit("a", scale(int32(i)))
			b.c.Enqueue(nsName("a"))
			time.Sleep(50 * time.Millisecond)
		}
		b.settle(time.Minute)
		require.EqualValues(t, 1, most.Load())
		b.stop()
		require.NoError(t, <-b.done)
		b.stop = nil
	}, newDeployment("a"))
}

// Kills: a cached object that is passed on without a copy.
func TestG17MutatingAnObjectDoesNotReachTheCache(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			d.Labels = map[string]string{"scribbled": "on"}
			d.Finalizers[0] = "scribbled.example.com/on"
			all, err := b.c.Informer().List(ctx)
			require.NoError(t, err)
			for _, cached := range all {
				cached.Name = "scribbled"
			}
			cached, err := b.c.Informer().Get(ctx, nsName("a"))
			require.NoError(t, err)
			cached.Spec.Paused = true
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute)
		b.c.Enqueue(nsName("a"))
		b.settle(time.Minute)
		cached, ok := b.c.Informer().View(nsName("a"))
		require.True(t, ok)
		live := b.live("a")
		live.ManagedFields = nil // which the cache drops
		require.Equal(t, live, cached)
		require.Equal(t, []string{ours}, cached.Finalizers)
	}, newDeployment("a"))
}

func TestS8ReleaseAllWithFailures(t *testing.T) {
	objs := make([]metav1.Object, crowd(1000))
	for i := range objs {
		d := newDeployment(strconv.Itoa(i))
		d.Finalizers = []string{ours, "other.example.com/x"}
		objs[i] = d
	}
	inBubble(t, func(b *harness) {
		broken := func(d *deployment) bool { i, _ := strconv.Atoi(d.Name); return i%20 == 0 }
		b.user.CleanupFunc = func(_ context.Context, d *deployment) (action, error) {
			if broken(d) {
				return controller.AwaitChange(), errBucket
			}
			return controller.AwaitChange(), nil
		}
		b.make()
		err := b.c.ReleaseAll(b.t.Context())
		require.ErrorIs(t, err, errBucket)
		require.ErrorContains(t, err, fmt.Sprintf("and %d more", (len(objs)+19)/20-10))
		list, listErr := b.Clientset.AppsV1().Deployments("").List(b.t.Context(), metav1.ListOptions{})
		require.NoError(t, listErr)
		require.Len(t, list.Items, len(objs))
		for _, d := range list.Items {
			require.Equal(t, broken(&d), slices.Contains(d.Finalizers, ours), d.Name)
			require.Contains(t, d.Finalizers, "other.example.com/x")
		}
		require.Len(t, b.settle(0), len(objs), "Cleanup ran for each")
		told := b.logs.FilterMessage("release all: every object was looked at").All()
		require.Len(t, told, 1)
		require.Subset(t, told[0].ContextMap(), map[string]any{
			"finalizer": ours, "objects": int64(len(objs)), "withFinalizer": int64(len(objs)), "failed": int64((len(objs) + 19) / 20),
		}, "none at all can be the sign of a wrong namespace")
	}, objs...)
}

// Kills: an object that counts as released since its Cleanup did not return.
func TestS8G12ReleaseAllTellsOfACleanupThatDoesNotReturn(t *testing.T) {
	held := newDeployment("a")
	held.Finalizers = []string{ours}
	for _, timeout := range []time.Duration{-1, time.Minute} {
		for name, f := range map[string]func(){"panic": func() { panic("x") }, "Goexit": runtime.Goexit} {
			inBubble(t, func(b *harness) {
				b.opts.Timeout = timeout
				b.user.CleanupFunc = func(context.Context, *deployment) (action, error) {
					f()
					return controller.AwaitChange(), nil
				}
				b.make()
				require.ErrorContains(t, b.c.ReleaseAll(b.t.Context()), "cleanup Deployment ns/a: ", name)
				require.Contains(t, b.live("a").Finalizers, ours)
				require.Equal(t, 1, b.logs.FilterMessage("release failed, finalizer kept").Len())
			}, held)
		}
	}
}

func TestS8SkipCleanupIsOffByDefault(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		inBubble(t, func(b *harness) {
			b.opts.AllowSkipCleanup = allowed
			b.user.CleanupFunc = func(context.Context, *deployment) (action, error) { return controller.AwaitChange(), errBucket }
			b.start()
			b.settle(time.Minute)
			b.edit("a", func(d *deployment) { d.Annotations = map[string]string{controller.SkipCleanupAnnotation: "true"} })
			b.delete("a")
			b.settle(time.Hour)
			require.Equal(t, allowed, b.live("a") == nil)
			require.Equal(t, allowed, b.logs.FilterMessageSnippet("cleanup skipped").Len() == 1)
			blocked := b.logs.FilterMessage("deletion is blocked").FilterLevelExact(zapcore.WarnLevel)
			require.Equal(t, allowed, blocked.Len() == 0, "a deletion that is blocked for long is said so")
		}, newDeployment("a"))
	}
}

// TestS2S3S4LogsAreBoundedEscapedAndWithoutContent plants text in an object and in
// an error.
// Kills: objects, control characters or endless text in logs.
func TestS2S3S4LogsAreBoundedEscapedAndWithoutContent(t *testing.T) {
	d := newDeployment("a")
	d.Annotations = map[string]string{"a": "canary-annotation"}
	d.Labels = map[string]string{"l": "canary-label"}
	d.Spec.Template.Spec.NodeName = "canary-spec"
	inBubble(t, func(b *harness) {
		hostile := strings.Repeat("x", 10000)
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			if b.logs.Len() > 0 {
				panic("line\nline\u202e" + hostile)
			}
			return controller.AwaitChange(), errors.New("line one\nline two\r\x1b[31m\u202e" + hostile)
		}
		b.start()
		b.settle(time.Minute)
		require.Greater(t, b.logs.Len(), 2)
		for _, entry := range b.logs.All() {
			for name, value := range entry.ContextMap() {
				text, ok := value.(string)
				if !ok {
					continue
				}
				require.LessOrEqual(t, len(text), 8<<10, name)
				require.NotContains(t, text, "canary")
				require.False(t, strings.ContainsAny(text, "\n\r\x1b\u202e"), "%s: %q", name, text)
			}
			require.LessOrEqual(t, len(entry.ContextMap()["error"].(string)), 1<<10)
		}
		require.Contains(t, b.logs.All()[0].ContextMap()["error"], `line one\nline two\r\x1b[31m\u202e`)
	}, d)
}

// What a logger does with a record may depend on the cause of its error: tests do, and who counts them by kind.
// Kills: only its text reaches the logger.
func TestG16TheCauseOfALoggedErrorIsFound(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			return controller.AwaitChange(), apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, "s")
		}
		b.start()
		b.settle(time.Second)
		var causes int
		for _, field := range b.logs.FilterMessage("attempt failed").All()[0].Context {
			if err, ok := field.Interface.(error); ok && apierrors.IsNotFound(err) {
				causes++
			}
		}
		require.Equal(t, 1, causes)
	}, newDeployment("a"))
}

func TestG16ConflictsOfTheFinalizerAreNotLoggedAsErrors(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.fail(fault.On("patch", "deployments.apps").Times(4).Then(fault.Conflict()))
		b.start()
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		require.Zero(t, b.logs.Filter(func(e observer.LoggedEntry) bool { return e.Level >= zapcore.WarnLevel }).Len())
		require.Equal(t, kerr.OpAddFinalizer, b.took()[0].Op)
	}, newDeployment("a"))
}
