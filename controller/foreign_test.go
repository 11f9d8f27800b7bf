package controller_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

func ofOp(op kerr.Op) func(controller.Trouble) bool {
	return func(t controller.Trouble) bool { return t.Op == op }
}

// typedNil is an error of which people return a nil pointer.
type typedNil struct{ text string }

func (e *typedNil) Error() string { return e.text }

// hostile is an error whose methods panic.
type hostile struct{}

func (hostile) Error() string   { panic("in Error") }
func (hostile) Unwrap() error   { panic("in Unwrap") }
func (hostile) Is(error) bool   { panic("in Is") }
func (hostile) As(any) bool     { panic("in As") }
func (hostile) Timeout() bool   { panic("in Timeout") }
func (hostile) Temporary() bool { panic("in Temporary") }

// TestG12AnErrorThatPanicsIsTheErrorOfItsObject returned as it is, wrapped, joined and marked, by
// Apply and by an ErrorHandler.
func TestG12AnErrorThatPanicsIsTheErrorOfItsObject(t *testing.T) {
	var none *typedNil
	for name, err := range map[string]error{
		"a typed nil": none, "hostile": hostile{}, "joined": errors.Join(errBucket, none, hostile{}),
		"terminal": kerr.Terminal(none), "after": kerr.After(time.Minute, hostile{}), "deep": kerr.New(kerr.OpCreate, corev1.SchemeGroupVersion.WithKind("Secret"), nsName("s"), "", hostile{}),
		"very long": errors.New(strings.Repeat("x", 3<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
					if d.Name == "a" {
						return controller.AwaitChange(), err
					}
					return controller.AwaitChange(), nil
				}
				b.start()
				require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(0))
				for _, a := range b.took() {
					if a.Key.Name == "a" {
						require.Error(t, a.Err)
						require.LessOrEqual(t, len(a.Err.Error()), 17<<10)
						require.NotErrorIs(t, a.Err, context.Canceled)
					}
				}
			}, newDeployment("a"), newDeployment("b"))
		})
	}
}

// TestG12AContainedErrorIsWhatItWas: for errors.Is, errors.As and its class.
func TestG12AContainedErrorIsWhatItWas(t *testing.T) {
	mine := &typedNil{"mine"}
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			return controller.AwaitChange(), errors.Join(mine, kerr.Terminal(errBucket))
		}
		b.start()
		b.settle(0)
		err := b.took()[0].Err
		require.ErrorIs(t, err, mine)
		require.ErrorIs(t, err, errBucket)
		require.ErrorIs(t, err, kerr.ErrTerminal)
		require.ErrorContains(t, err, "mine")
		require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err), "one of the two is to be tried again")
	}, newDeployment("a"))
}

// TestG12GoexitEndsNothing in filters, mappings, predicates and indexes, which client-go's
// goroutines call: t.FailNow in a mapping is enough.
func TestG12GoexitEndsNothing(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		var leaves atomic.Bool
		leaves.Store(true)
		leave := func() {
			if leaves.Load() {
				runtime.Goexit()
			}
		}
		require.NoError(t, in.AddIndex("x", func(*corev1.ConfigMap) []string { leave(); return nil }))
		require.NoError(t, in.SetTransform(func(cm *corev1.ConfigMap) *corev1.ConfigMap { leave(); return cm }))
		b.make()
		b.c.Filter(func(_, _ *deployment) bool { leave(); return false })
		controller.Watches(b.c, in, func(_, _ *corev1.ConfigMap) []types.NamespacedName {
			leave()
			return []types.NamespacedName{nsName("a")}
		})
		controller.References(b.c, in, func(_, _ *corev1.ConfigMap) bool { leave(); return false })
		b.run()
		b.settle(time.Second)
		b.edit("a", scale(2))
		b.write(repo, "c", data("k", "v"))
		b.write(repo, "c", data("k", "w"))
		b.settle(time.Second)
		for _, op := range []kerr.Op{kerr.OpFilter, kerr.OpMap} {
			require.True(t, slices.ContainsFunc(b.troubled(), ofOp(op)) || op == kerr.OpMap)
		}
		leaves.Store(false)
		b.edit("a", scale(3))
		b.write(repo, "c", data("k", "x"))
		require.Contains(t, b.settle(time.Second), "apply a", "events still come")
	}, newDeployment("a"))
}

// picky is a selector that a user wrote.
type picky struct {
	labels.Selector
	matches func(labels.Labels) bool
}

func (p picky) Matches(l labels.Labels) bool { return p.matches(l) }

// TestG12ASelectorThatPanicsLosesNothingForOthers, and two selectors of one type are two.
func TestG12ASelectorThatPanicsLosesNothingForOthers(t *testing.T) {
	inBubble(t, func(b *harness) {
		var bad atomic.Bool
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], d *deployment) error {
			_, err := in.List(ctx, informer.Matching(picky{labels.Everything(), func(l labels.Labels) bool {
				if bad.Load() && d.Name == "a" {
					panic("in Matches")
				}
				return l.Get("of") == d.Name
			}}))
			return err
		})
		b.settle(time.Minute)
		bad.Store(true)
		b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"of": "b"} })
		require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(0))
		bad.Store(false)
		b.settle(time.Hour)
		b.write(repo, "d", func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"of": "b"} })
		require.Equal(t, []string{"apply b"}, b.settle(time.Second))
	}, newDeployment("a"), newDeployment("b"))
}

// TestG12ALoggerThatPanicsEndsNothing.
func TestG12ALoggerThatPanicsEndsNothing(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { return controller.AwaitChange(), errBucket }
		b.opts.Logger = zap.New(badCore{zapcore.NewNopCore()})
		b.start()
		require.Greater(t, len(b.settle(time.Minute)), 3)
	}, newDeployment("a"))
}

type badCore struct{ zapcore.Core }

func (badCore) Enabled(zapcore.Level) bool { return true }

func (c badCore) With([]zapcore.Field) zapcore.Core { return c }

func (c badCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}
func (badCore) Write(zapcore.Entry, []zapcore.Field) error { panic("in the sink") }

// TestG14AnObserverThatBlocksOnAFailedWatchDoesNotKeepRun.
func TestG14AnObserverThatBlocksOnAFailedWatchDoesNotKeepRun(t *testing.T) {
	inBubble(t, func(b *harness) {
		release := make(chan struct{})
		b.opts.Observer = controller.ObserverFuncs{TroubleFunc: func(controller.Trouble) { <-release }}
		b.fail(fault.On("*", "deployments.apps").Times(3).Then(fault.Forbidden()))
		b.start()
		b.settle(time.Minute)
		b.stop()
		start := time.Now()
		require.NoError(t, <-b.done)
		b.stop = nil
		require.LessOrEqual(t, time.Since(start), 20*time.Second)
		close(release)
	}, newDeployment("a"))
}

// TestG13GoexitInAnObserverLeavesNoWorkerStuck.
func TestG13GoexitInAnObserverLeavesNoWorkerStuck(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Observer = controller.ObserverFuncs{EndedFunc: func(context.Context, controller.Attempt) { runtime.Goexit() }}
		b.opts.Workers = 1
		b.start()
		require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(time.Hour))
		require.NoError(t, b.c.Healthy())
	}, newDeployment("a"), newDeployment("b"))
}

// panics is a repository that somebody wrote.
type panics struct {
	repository.Repository[*deployment]
}

func (c panics) Patch(context.Context, *deployment, types.PatchType, []byte, ...string) (*deployment, error) {
	panic("in the repository")
}

// TestG12ARepositoryThatPanicsIsTheFailureOfItsObject.
func TestG12ARepositoryThatPanicsIsTheFailureOfItsObject(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.watched = panics{b.repo}
		b.start()
		b.settle(time.Second)
		attempts := b.took()
		require.NotEmpty(t, attempts)
		require.ErrorContains(t, attempts[0].Err, "in the repository")
	}, newDeployment("a"))
}
