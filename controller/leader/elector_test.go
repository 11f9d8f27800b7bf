package leader_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
)

// A standby is ready, knows who leads, and does nothing else.
func TestG2OnlyOneWorks(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a", "b")
		a := w.process("a").start()
		settle(time.Second)
		b := w.process("b").start()
		settle(time.Minute)
		require.ElementsMatch(t, []string{"apply a", "apply b"}, a.called())
		require.Empty(t, b.called())
		require.Empty(t, w.writes("b"))
		require.NoError(t, a.c.Ready())
		require.NoError(t, b.c.Ready(), "its caches are full")

		is := a.elector.Status()
		require.True(t, is.Leading)
		require.Equal(t, 1, is.Terms)
		require.Equal(t, "a", is.Holder)
		require.Equal(t, theLease, is.Lease)
		require.Greater(t, time.Until(is.Until), 7*time.Second)
		require.LessOrEqual(t, time.Until(is.Until), 10*time.Second)
		require.WithinDuration(t, time.Now().Add(-time.Minute), is.Since, 3*time.Second)
		other := b.elector.Status()
		require.Equal(t, leader.Status{Lease: theLease, Identity: "b", Holder: "a", Since: other.Since}, other)
		require.WithinDuration(t, is.Since, other.Since, time.Second)
	})
}

// The lease is released when the last attempt has returned, and the standby begins within a
// second of that.
func TestG2TheLeaseIsReleasedAfterTheWork(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a")
		a := w.process("a")
		var worked time.Time
		a.user.ApplyFunc = func(ctx context.Context, cm *configMap) (action, error) {
			time.Sleep(17 * time.Second)
			worked = time.Now()
			changed := cm.DeepCopy()
			changed.Data = map[string]string{"by": "a"}
			_, err := a.repo.Update(ctx, cm, changed)
			return controller.AwaitChange(), err
		}
		a.start()
		settle(time.Second)
		b := w.process("b").start()
		settle(time.Second)
		began := time.Now()
		require.NoError(t, a.end())
		require.Greater(t, time.Since(began), 14*time.Second)
		require.Equal(t, "a", w.writes("a")[len(w.writes("a"))-1].After.Object["data"].(map[string]any)["by"], "it may finish what it began")
		settle(2 * time.Second)
		require.Less(t, b.first().Sub(worked), time.Second)
		require.Positive(t, b.first().Sub(worked))
		require.Equal(t, []string{"b"}, w.leaders())
	})
}

// A leader that dies is replaced after the lease has run out, and no earlier.
func TestG2AStandbyTakesOverWhenTheLeaseHasRunOut(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a")
		a := w.process("a").start()
		settle(time.Second)
		b := w.process("b").start()
		settle(time.Minute)
		killed := time.Now()
		a.kill()
		settle(30 * time.Second)
		took := b.first().Sub(killed)
		require.Greater(t, took, 12*time.Second)
		require.Less(t, took, 17*time.Second)
	})
}

// writing is an Apply that never stops to write, with a ctx that does not end.
func (p *process) writing(ctx context.Context, cm *configMap) (action, error) {
	for n := 0; ctx.Err() == nil; n++ {
		changed := cm.DeepCopy()
		changed.Annotations = map[string]string{"by": p.name, "at": time.Now().String()}
		now, err := p.repo.Update(context.WithoutCancel(ctx), cm, changed)
		if err != nil {
			return action{}, err
		}
		cm = now
		time.Sleep(200 * time.Millisecond)
	}
	return action{}, context.Cause(ctx)
}

// Only the lease cannot be reached, and everything else can: nothing is written when the lease may
// be over, and the work ends.
// Kills: an end that is only a ctx; a renewal that counts from its answer.
func TestG2NothingIsWrittenWhenTheLeaseMayBeOver(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a")
		a := w.process("a")
		a.user.ApplyFunc = a.writing
		a.start()
		settle(time.Second)
		b := w.process("b").start()
		settle(20 * time.Second)
		a.cutLease()
		until := a.elector.Status().Until
		settle(time.Minute)
		last := w.writes("a")[len(w.writes("a"))-1].Time
		require.Less(t, last, until.Add(10*time.Millisecond))
		require.Greater(t, last, until.Add(-time.Second), "it writes as long as it may")
		require.Greater(t, b.first().Sub(last), 4*time.Second, "time for a request that is under way")
		require.Equal(t, []string{"b"}, w.leaders())
		require.Equal(t, 1, a.logs.FilterMessage("lease lost").Len())

		a.faults.Clear()
		require.NoError(t, b.end())
		settle(5 * time.Second)
		require.Equal(t, []string{"a"}, w.leaders(), "it competes again")
		require.Equal(t, 2, a.elector.Status().Terms)
	})
}

// What an attempt does elsewhere ends with its ctx, when the lease may be over, and is no failure
// that anybody has to read about.
func TestG2TheWorkEndsWithTheLease(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a")
		a := w.process("a")
		var ended time.Time
		var cause error
		a.user.ApplyFunc = func(ctx context.Context, _ *configMap) (action, error) {
			<-ctx.Done()
			ended, cause = time.Now(), context.Cause(ctx)
			return action{}, ctx.Err()
		}
		a.start()
		settle(time.Minute)
		a.cutLease()
		until := a.elector.Status().Until
		settle(time.Minute)
		require.Equal(t, until, ended)
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(cause))
		require.Len(t, a.attempts, 1)
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(a.attempts[0].Err), "%v", a.attempts[0].Err)
		require.Zero(t, a.logs.FilterMessage("attempt failed").FilterLevelExact(zapcore.InfoLevel).Len())
		require.Zero(t, a.logs.FilterLevelExact(zapcore.ErrorLevel).Len())
	})
}

// A renewal whose answer comes late counts from when it was sent.
func TestG2ARenewalCountsFromWhenItWasSent(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a")
		a := w.process("a")
		require.NoError(t, a.faults.Add(fault.On("update", "leases.coordination.k8s.io").From(3).Then(fault.DelayAnswer(4900*time.Millisecond))))
		a.start()
		settle(time.Second)
		w.process("b").start()
		for range 300 {
			settle(100 * time.Millisecond)
			if s := a.elector.Status(); s.Leading {
				require.LessOrEqual(t, s.Until.Sub(w.lease().Spec.RenewTime.Time), 10*time.Second)
			}
		}
	})
}

// One term of this process has nothing to do with the next: what a goroutine of the first still
// sends is refused.
func TestG2WhatIsLeftOfATermCannotWriteInTheNext(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a")
		a := w.process("a")
		var first context.Context
		a.user.ApplyFunc = func(ctx context.Context, _ *configMap) (action, error) {
			if first == nil {
				first = context.WithoutCancel(ctx)
			}
			return controller.AwaitChange(), nil
		}
		a.start()
		settle(time.Minute)
		a.cutLease()
		settle(time.Minute)
		a.faults.Clear()
		settle(time.Minute)
		require.Equal(t, 2, a.elector.Status().Terms)
		obj, err := a.repo.Get(w.t.Context(), types.NamespacedName{Namespace: "default", Name: "a"})
		require.NoError(t, err)
		_, err = a.repo.Patch(first, obj, types.MergePatchType, []byte(`{"data":{"k":"v"}}`))
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(err))
	})
}

func TestG2LosingTheLeaseCanEndTheProcess(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.process("a")
		a.opts.ExitOnLoss = true
		a.start()
		settle(time.Minute)
		a.cutLease()
		err := <-a.done
		a.stop = nil
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(err), "%v", err)
	})
}

// hold sets the holder by hand, as with kubectl.
func (w *world) hold(holder string) {
	w.t.Helper()
	l := w.lease()
	l.Spec.HolderIdentity = &holder
	_, err := w.admin.CoordinationV1().Leases(theLease.Namespace).Update(w.t.Context(), l, metav1.UpdateOptions{})
	require.NoError(w.t, err)
}

// Whatever a person does to the lease, no second process begins while the first may write.
func TestG2AHandOnTheLeaseMakesNoSecondLeader(t *testing.T) {
	for name, do := range map[string]func(w *world){
		"deleted": func(w *world) {
			require.NoError(w.t, w.admin.CoordinationV1().Leases(theLease.Namespace).Delete(w.t.Context(), theLease.Name, metav1.DeleteOptions{}))
		},
		"emptied":             func(w *world) { w.hold("") },
		"given to a standby":  func(w *world) { w.hold("b") },
		"given to a stranger": func(w *world) { w.hold("nobody") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.create("a")
				a := w.process("a")
				a.user.ApplyFunc = a.writing
				a.start()
				settle(time.Second)
				b := w.process("b")
				b.user.ApplyFunc = b.writing
				b.start()
				settle(20 * time.Second)
				do(w)
				changed := time.Now()
				for range 350 {
					settle(100 * time.Millisecond)
					require.LessOrEqual(t, len(w.leaders()), 1)
					if name == "given to a stranger" && time.Since(changed) < 14*time.Second && time.Since(changed) > 3*time.Second {
						require.Empty(t, w.leaders(), "the stranger has it")
					}
				}
				require.Len(t, w.leaders(), 1, "one has it in the end")
				w.mu.Lock()
				defer w.mu.Unlock()
				turns := 0
				for n, c := range w.changes {
					if n > 0 && c.Session != w.changes[n-1].Session {
						turns++
					}
				}
				require.LessOrEqual(t, turns, 1)
			})
		})
	}
}

// An attempt that ignores its ctx keeps the lease from being released: it runs out.
func TestG2NothingIsReleasedAroundCodeThatGoesOn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("a")
		a := w.process("a")
		on := make(chan struct{})
		a.user.ApplyFunc = func(context.Context, *configMap) (action, error) {
			<-on
			return controller.AwaitChange(), nil
		}
		a.start()
		settle(time.Second)
		w.process("b").start()
		settle(time.Second)
		err := a.end()
		var timeout *kerr.ShutdownTimeout
		require.ErrorAs(t, err, &timeout)
		require.Equal(t, "a", *w.lease().Spec.HolderIdentity, "%v", err)
		settle(10 * time.Second)
		require.Empty(t, w.leaders())
		settle(10 * time.Second)
		require.Equal(t, []string{"b"}, w.leaders())
		close(on)
	})
}

// stopped is the transport of a process that stands still in the middle of a renewal, for as long as its lease
// and more.
type stopped struct {
	next  http.RoundTripper
	still *atomic.Bool
}

func (s stopped) RoundTrip(r *http.Request) (*http.Response, error) {
	if isLease(r) && r.Method == http.MethodPut && s.still.Swap(false) {
		time.Sleep(20 * time.Second) // whatever becomes of the request
		return nil, errors.New("the connection is gone")
	}
	return s.next.RoundTrip(r)
}

// TestG2AProcessThatStoodStillReleasesNothing of the process that took its lease: client-go's elector would, since
// it was the leader when it looked last, and two would lead until the other one looked.
func TestG2AProcessThatStoodStillReleasesNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		a, still := w.process("a"), &atomic.Bool{}
		a.cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return stopped{next, still} })
		a.start()
		settle(5 * time.Second)
		b := w.process("b").start()
		settle(5 * time.Second)
		require.Equal(w.t, []string{"a"}, w.leaders())
		still.Store(true)
		settle(19 * time.Second)
		require.Equal(w.t, []string{"b"}, w.leaders())
		for range 600 {
			settle(50 * time.Millisecond)
			require.Equal(w.t, []string{"b"}, w.leaders())
			require.Equal(w.t, "b", *w.lease().Spec.HolderIdentity)
		}
		require.Zero(w.t, b.logs.FilterMessage("lease lost").Len())
	})
}

// The first process of all waits for nobody, and one that ends before it leads leaves no lease.
func TestAStandbyThatEndsLeavesTheLeaseAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.process("a").start()
		settle(100 * time.Millisecond)
		require.Equal(t, []string{"a"}, w.leaders())
		b := w.process("b").start()
		settle(time.Minute)
		require.NoError(t, b.end())
		require.Equal(t, "a", *w.lease().Spec.HolderIdentity)
		require.NoError(t, a.end())
		require.Empty(t, *w.lease().Spec.HolderIdentity)
		a.start() // it may run again
		settle(time.Second)
		require.Equal(t, []string{"a"}, w.leaders())
	})
}

// A runner that ends ends the term, and with an error everything.
func TestRunners(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.process("a").make()
		a.elector, _ = leader.New(a.cfg, theLease, &a.opts)
		ran := 0
		a.elector.Lead(controller.RunnerFunc(func(context.Context) error { ran++; return nil }))
		require.NoError(t, a.elector.Run(w.t.Context()), "what is to be done once is done")
		require.Equal(t, 1, ran)
		require.Empty(t, *w.lease().Spec.HolderIdentity)

		broken := errors.New("broken")
		a.elector.Lead(controller.RunnerFunc(func(context.Context) error { return broken }), a.c)
		require.ErrorIs(t, a.elector.Run(w.t.Context()), broken)
		require.Equal(t, "a", *w.lease().Spec.HolderIdentity, "it is not known what is left behind")
	})
}

func TestElectorRefusesWhatCannotWork(t *testing.T) {
	inBubble(t, func(w *world) {
		cfg := w.srv.Config()
		for text, c := range map[string]struct {
			lease types.NamespacedName
			opts  *leader.Options
		}{
			"must be set":                      {types.NamespacedName{Name: "operator"}, nil},
			"LeaseDuration is 1.5s":            {theLease, &leader.Options{LeaseDuration: 1500 * time.Millisecond}},
			"RetryPeriod is 500ms":             {theLease, &leader.Options{RetryPeriod: 500 * time.Millisecond}},
			"must be shorter":                  {theLease, &leader.Options{RenewDeadline: 15 * time.Second}},
			"leave time for two renewals":      {theLease, &leader.Options{RenewDeadline: 3 * time.Second}},
			"new elector of the lease \"defau": {theLease, &leader.Options{LeaseDuration: -1}},
		} {
			_, err := leader.New(cfg, c.lease, c.opts)
			require.ErrorContains(t, err, text)
		}
		_, err := leader.New(nil, theLease, nil)
		require.ErrorContains(t, err, "the rest.Config is nil")
		e, err := leader.New(cfg, theLease, &leader.Options{LeaseDuration: 6 * time.Second, RetryPeriod: time.Second})
		require.NoError(t, err)
		require.ErrorContains(t, e.Run(w.t.Context()), "call Lead")
		e.Lead(nil)
		require.ErrorContains(t, e.Run(w.t.Context()), "a runner is nil")

		a := w.process("a").start()
		settle(time.Second)
		require.ErrorContains(t, a.elector.Run(w.t.Context()), "running already")
		a.elector.Lead(a.c)
		require.NoError(t, a.end())
		require.ErrorContains(t, a.elector.Run(w.t.Context()), "after Run")
		synctest.Wait()
	})
}
