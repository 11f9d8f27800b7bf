package controller_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/fault"
)

// TestG9OneApplyPerGenerationTwoWritesPerObject is the life of an object whose
// Apply writes the status: the finalizer and the status for a new one, the status
// for a new generation, nothing for a settled one.
// Kills: events of own writes that lead to another Apply.
func TestG9OneApplyPerGenerationTwoWritesPerObject(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			require.Contains(t, d.Finalizers, ours)
			d.Status.ObservedGeneration = d.Generation
			_, err := status.Patch(ctx, b.repo, d, d.Status)
			return controller.AwaitChange(), err
		}
		b.start()
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
		require.Len(t, b.Writes(), 2)

		b.edit("a", scale(3))
		require.Equal(t, []string{"apply a"}, b.settle(24*time.Hour))
		require.Len(t, b.Writes(), 4, "the edit and one status")

		attempts := b.took()
		require.Len(t, attempts, 2)
		require.Equal(t, 2, attempts[0].Writes)
		require.Equal(t, 1, attempts[1].Writes)
		require.Equal(t, kerr.OpApply, attempts[0].Op)
		require.Equal(t, controller.VerbUpdated, attempts[1].Reasons[0].Verb)
	}, newDeployment("a"))
}

func TestRestartOverSettledObjectsWritesNothing(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.start()
		b.settle(time.Minute)
		writes := len(b.Writes())
		b.stop()
		require.NoError(t, <-b.done)
		b.run()
		require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(time.Minute), "each object is looked at once after a start (G8)")
		require.Len(t, b.Writes(), writes)
	}, newDeployment("a"), newDeployment("b"))
}

func TestG3DeletionRunsCleanupOnceThenLetsGo(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.start()
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		b.delete("a")
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Hour))
		require.Nil(t, b.live("a"))

		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour), "an object of the same name starts anew")
	}, newDeployment("a"))
}

func TestG3CleanupThatFailsKeepsTheFinalizer(t *testing.T) {
	inBubble(t, func(b *harness) {
		failures := 3
		b.user.CleanupFunc = func(context.Context, *deployment) (action, error) {
			if failures--; failures >= 0 {
				require.Contains(t, b.live("a").Finalizers, ours)
				return controller.AwaitChange(), errors.New("not yet")
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute)
		b.delete("a")
		require.Equal(t, []string{"cleanup a", "cleanup a", "cleanup a", "cleanup a"}, b.settle(time.Hour))
		require.Nil(t, b.live("a"))
	}, newDeployment("a"))
}

func TestG3CleanupThatRequeuesIsNotFinished(t *testing.T) {
	inBubble(t, func(b *harness) {
		var at []time.Time
		b.user.CleanupFunc = func(context.Context, *deployment) (action, error) {
			at = append(at, time.Now())
			require.Contains(t, b.live("a").Finalizers, ours)
			if len(at) < 3 {
				return controller.Requeue(10 * time.Minute), nil
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute)
		b.delete("a")
		b.settle(time.Hour)
		require.Len(t, at, 3)
		require.Equal(t, 20*time.Minute, at[2].Sub(at[0]))
		require.Nil(t, b.live("a"))
		for _, attempt := range b.took() {
			require.NoError(t, attempt.Err)
		}
	}, newDeployment("a"))
}

// TestG3LostAnswersAtEveryWrite loses the answer of write k, or the write itself,
// for every k: Cleanup succeeds before the object is gone, and no Apply runs after.
func TestG3LostAnswersAtEveryWrite(t *testing.T) {
	for _, committed := range []bool{true, false} {
		for k := 1; ; k++ {
			patches := 0
			t.Run("committed="+strconv.FormatBool(committed)+"/write="+strconv.Itoa(k), func(t *testing.T) {
				inBubble(t, func(b *harness) {
					lost := []fault.Outcome{fault.CommitThenEOF()}
					if !committed {
						lost = append(lost, fault.Conflict()) // which is lost too
					}
					require.NoError(t, b.faults.Add(fault.On("patch", "*").Nth(k).Then(lost...)))
					b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
						_, err := status.Patch(ctx, b.repo, d, appsv1.DeploymentStatus{Replicas: 1})
						return controller.AwaitChange(), err
					}
					b.start()
					b.settle(time.Hour)
					require.EqualValues(t, 1, b.live("a").Status.Replicas)
					b.delete("a")
					calls := b.settle(time.Hour)
					require.Nil(t, b.live("a"))
					require.NotEmpty(t, calls)
					require.NotContains(t, calls, "apply a", "Apply after the deletion")
					patches = b.patches()
				}, newDeployment("a"))
			})
			if k > patches {
				break
			}
		}
	}
}

func TestNoFinalizer(t *testing.T) {
	held := newDeployment("held")
	held.Finalizers = []string{"other.example.com/x"}
	inBubble(t, func(b *harness) {
		b.user.FinalizerName = controller.NoFinalizer
		b.start()
		require.ElementsMatch(t, []string{"apply a", "apply held"}, b.settle(time.Minute))
		b.delete("held")
		b.delete("a")
		b.took()
		require.Empty(t, b.settle(time.Hour), "an object that is being deleted is not applied")
		for _, a := range b.took() {
			require.Equal(t, kerr.OpGet, a.Op, "there was nothing to do")
		}
		require.Len(t, b.Writes(), 2)
	}, newDeployment("a"), held)
}

// Kills: a filter that hides labels, annotations, finalizers or the deletion.
func TestG8EveryChangeThatMattersIsReconciled(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.start()
		b.settle(time.Minute)
		for name, change := range map[string]func(*deployment){
			"spec":        scale(2),
			"labels":      func(d *deployment) { d.Labels = map[string]string{"a": "b"} },
			"annotations": func(d *deployment) { d.Annotations = map[string]string{"a": "b"} },
			"owners": func(d *deployment) {
				d.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "X", Name: "x", UID: "u"}}
			},
			"a finalizer of others": func(d *deployment) { d.Finalizers = append(d.Finalizers, "other.example.com/x") },
			"our finalizer removed": func(d *deployment) { d.Finalizers = d.Finalizers[1:] },
		} {
			b.edit("a", change)
			require.Equal(t, []string{"apply a"}, b.settle(time.Minute), name)
		}
		b.editStatus("a", func(s *appsv1.DeploymentStatus) { s.Replicas = 9 })
		require.Empty(t, b.settle(time.Hour), "a change of the status alone")
		b.create("b")
		require.Equal(t, []string{"apply b"}, b.settle(time.Hour), "a new object")
	}, newDeployment("a"))
}

// Kills: a filter of users that hides the deletion.
func TestFilterReplacesTheDefaultButNeverHidesTheLifecycle(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.make()
		b.c.Filter(informer.GenerationChanged[*deployment], func(before, after *deployment) bool {
			return before.Status.Replicas != after.Status.Replicas
		})
		b.run()
		b.settle(time.Minute)
		b.edit("a", func(d *deployment) { d.Labels = map[string]string{"a": "b"} })
		require.Empty(t, b.settle(time.Minute))
		b.editStatus("a", func(s *appsv1.DeploymentStatus) { s.Replicas = 9 })
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		b.edit("a", func(d *deployment) { d.Finalizers = nil })
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		require.Contains(t, b.live("a").Finalizers, ours, "added again before Apply")
		b.delete("a")
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Minute))
	}, newDeployment("a"))
}

// Kills: a handler that takes equal resourceVersions for nothing.
func TestResync(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Informer = informer.Options{Resync: time.Hour}
		b.start()
		b.settle(30 * time.Minute)
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
		attempts := b.took()
		require.Equal(t, controller.VerbResync, attempts[len(attempts)-1].Reasons[0].Verb)
	}, newDeployment("a"))
}

func TestEnqueueBeforeAndDuringRun(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.make()
		b.c.Enqueue(nsName("a"))
		b.c.Enqueue(nsName("unknown"))
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		require.Equal(t, controller.VerbEnqueued, b.took()[0].Reasons[0].Verb)
		b.c.Enqueue(nsName("a"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		require.Equal(t, controller.VerbEnqueued, b.took()[0].Reasons[0].Verb)
	}, newDeployment("a"))
}

// TestG10WhatIsEnqueuedInTheBackgroundLetsChangesPass has all objects enqueued by the operator, while the only worker is busy, or
// before it runs. Kills: a background that is a change, before or during Run; changes that wait behind the background.
func TestG10WhatIsEnqueuedInTheBackgroundLetsChangesPass(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Workers = 1
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			time.Sleep(time.Second)
			return controller.AwaitChange(), nil
		}
		b.make()
		b.c.EnqueueBackground(nsName("a"))
		b.c.EnqueueBackground(nsName("e"))
		b.c.Enqueue(nsName("e"))
		b.run()
		require.Equal(t, []string{"apply e"}, b.settle(1500 * time.Millisecond)[:1], "the first list is in the background, too")
		b.settle(time.Minute)
		b.took()

		b.c.Enqueue(nsName("a"))
		require.Equal(t, []string{"apply a"}, b.settle(100*time.Millisecond), "and takes a second")
		for _, name := range []string{"b", "c", "d", "e"} {
			b.c.EnqueueBackground(nsName(name))
		}
		b.edit("f", scale(3))
		require.Empty(t, b.settle(100*time.Millisecond))
		b.c.Enqueue(nsName("d"))
		require.Equal(t, 3, b.c.Stats().Background)
		require.Equal(t, []string{"apply f", "apply d", "apply b", "apply c", "apply e"}, b.settle(time.Minute))
		for _, at := range b.took() {
			if at.Key.Name != "f" {
				require.Equal(t, []controller.Reason{{Verb: controller.VerbEnqueued}}, at.Reasons)
			}
		}
	}, newDeployment("a"), newDeployment("b"), newDeployment("c"), newDeployment("d"), newDeployment("e"), newDeployment("f"))
}

// TestG5AttemptDoesNotStartFromAStateOlderThanItsOwnWrite has a cache that never sees
// what the first attempt wrote to the object.
func TestG5AttemptDoesNotStartFromAStateOlderThanItsOwnWrite(t *testing.T) {
	inBubble(t, func(b *harness) {
		var seen []string
		repo := &lagging{Repository: b.repo}
		b.watched = repo
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			seen = append(seen, d.Labels["written"])
			_, err := repo.Patch(ctx, d, types.MergePatchType, []byte(`{"metadata":{"labels":{"written":"yes"}}}`))
			return controller.AwaitChange(), err
		}
		b.start()
		b.settle(time.Minute)
		b.c.Enqueue(nsName("a"))
		b.settle(time.Minute)
		require.Equal(t, []string{"", "yes"}, seen)
		require.Len(t, b.Writes(), 2, "the finalizer and the label")
		require.Equal(t, 3, b.patches(), "the finalizer is not tried twice")
	}, newDeployment("a"))
}

// TestG9OwnWritesThatArriveAsOneEventAreNoNews has a watch that begins after the
// finalizer and the status were written: the cache goes from the object as it was
// created to the one with both.
func TestG9OwnWritesThatArriveAsOneEventAreNoNews(t *testing.T) {
	for _, meanwhile := range []bool{false, true} {
		inBubble(t, func(b *harness) {
			repo := &lagging{Repository: b.repo, open: make(chan struct{})}
			b.watched = repo
			b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
				_, err := status.Patch(ctx, repo, d, appsv1.DeploymentStatus{ObservedGeneration: d.Generation})
				return controller.AwaitChange(), err
			}
			b.start()
			require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
			if meanwhile {
				b.edit("a", func(d *deployment) { d.Labels = map[string]string{"by": "somebody"} })
			}
			close(repo.open)
			calls := b.settle(time.Hour)
			require.Len(t, calls, map[bool]int{true: 1}[meanwhile], "%v", calls)
		}, newDeployment("a"))
	}
}

// TestG8AChangeThatComesAlongWithAnOwnWriteIsNews has somebody change the spec between
// the finalizer and the status, which the server's answer to the status carries too.
func TestG8AChangeThatComesAlongWithAnOwnWriteIsNews(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := &lagging{Repository: b.repo, open: make(chan struct{})}
		b.watched = repo
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			if *d.Spec.Replicas == 1 {
				b.edit("a", scale(3))
			}
			_, err := status.Patch(ctx, repo, d, appsv1.DeploymentStatus{ObservedGeneration: d.Generation})
			return controller.AwaitChange(), err
		}
		b.start()
		b.settle(time.Minute)
		close(repo.open)
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
		require.Equal(t, b.live("a").Generation, b.live("a").Status.ObservedGeneration)
	}, newDeployment("a"))
}

// TestUnitTestsOverPlainFakesCountTheSameCalls has objects without UID and
// resourceVersion, as client-go's fake clientsets return them.
func TestUnitTestsOverPlainFakesCountTheSameCalls(t *testing.T) {
	for _, name := range []string{ours, controller.NoFinalizer} {
		for _, lag := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				d := newDeployment("a")
				d.Generation = 1
				cs := fake.NewClientset(d)
				var repo repository.Repository[*deployment] = repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
				if lag {
					repo = &lagging{Repository: repo}
				}
				applied := 0
				c, err := controller.New(repo, controller.Funcs[*deployment]{FinalizerName: name, ApplyFunc: func(ctx context.Context, d *deployment) (action, error) {
					applied++
					_, err := status.Patch(ctx, repo, d, appsv1.DeploymentStatus{Replicas: 1})
					return controller.AwaitChange(), err
				}}, nil)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- c.Run(ctx) }()
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Equal(t, 1, applied)
				c.Enqueue(nsName("a"))
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Equal(t, 2, applied)
				cancel()
				require.NoError(t, <-done)
				want := map[string]int{ours: 2, controller.NoFinalizer: 1}
				sent := slices.DeleteFunc(cs.Actions(), func(a clienttesting.Action) bool { return a.GetVerb() != "patch" })
				require.Len(t, sent, want[name], "finalizer %s, lag %t: %v", name, lag, cs.Actions())
			})
		}
	}
}
