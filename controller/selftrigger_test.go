package controller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/status"
)

// restless stamps the object with the time in each Apply.
func restless(b *harness) func(context.Context, *deployment) (action, error) {
	return func(ctx context.Context, d *deployment) (action, error) {
		patch := `{"metadata":{"annotations":{"at":"` + time.Now().Format(time.RFC3339Nano) + `"}}}`
		time.Sleep(time.Millisecond)
		_, err := b.repo.Patch(ctx, d, types.MergePatchType, []byte(patch))
		return controller.AwaitChange(), err
	}
}

// Kills: no brake; a brake that never lets go; a brake that holds other events.
func TestG9ALoopOfOwnWritesIsSlowedAndReported(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = restless(b)
		b.start()
		rounds := len(b.settle(10 * time.Minute))
		require.GreaterOrEqual(t, rounds, 20)
		require.LessOrEqual(t, rounds, 20+10*10+2, "20 at once, then 10 a minute")
		loops := 0
		for _, a := range b.took() {
			if a.SelfTriggered {
				loops++
			}
		}
		require.GreaterOrEqual(t, loops, rounds-1)
		warnings := b.logs.FilterMessageSnippet("reconcile loop").All()
		require.Len(t, warnings, 1, "once, not each time")
		require.Equal(t, "a", warnings[0].ContextMap()["name"])

		b.edit("a", scale(7))
		require.NotEmpty(t, b.settle(2*time.Millisecond), "somebody else's change does not wait")
	}, newDeployment("a"))
}

// A few rounds are not slowed. Kills: a brake without a burst, a loop that is not
// forgotten.
func TestG9SettlingInAFewRoundsIsNotALoop(t *testing.T) {
	inBubble(t, func(b *harness) {
		rounds := 0
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			if rounds++; rounds%15 == 0 {
				return controller.AwaitChange(), nil
			}
			return restless(b)(ctx, d)
		}
		b.start()
		for n := range 5 {
			require.Len(t, b.settle(time.Second), 15, n)
			b.c.Enqueue(nsName("a"))
		}
		require.Zero(t, b.logs.FilterMessageSnippet("reconcile loop").Len())
	}, newDeployment("a"))
}

// TestG9NothingIsWrittenOrReadForADay lets a settled system with children, references
// and a status be for 24 hours. Kills: whatever does not settle.
func TestG9NothingIsWrittenOrReadForADay(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			cm := child("c", metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, UID: d.UID, Controller: new(true)})
			if _, err := repo.Apply(ctx, cm, "me"); err != nil {
				return controller.AwaitChange(), err
			}
			if _, err := in.List(ctx); err != nil {
				return controller.AwaitChange(), err
			}
			_, err := status.Patch(ctx, b.repo, d, appsv1.DeploymentStatus{ObservedGeneration: d.Generation})
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in)
		controller.References(b.c, in)
		b.run()
		require.LessOrEqual(t, len(b.settle(time.Minute)), 2, "one for the object, one for the child that was created")
		before := len(b.Requests())
		require.Len(t, b.Writes(), 3, "the finalizer, the child, the status")
		require.Empty(t, b.settle(24*time.Hour))
		for _, r := range b.Requests()[before:] {
			goesOn := r.isWatch() && !r.url.Query().Has("sendInitialEvents")
			require.True(t, goesOn || r.isProbe(), "only the watch, and the probe of it: %s", r)
		}
		require.Len(t, b.Writes(), 3)
	}, newDeployment("a"))
}

// TestS7OneTenantDoesNotStarveOthers floods one namespace with objects and updates,
// and measures how long the others wait. Kills: one line for all tenants.
func TestS7OneTenantDoesNotStarveOthers(t *testing.T) {
	const victims, work = 10, 10 * time.Millisecond
	objs := make([]metav1.Object, 0, 1000+victims)
	add := func(namespace, name string) {
		d := newDeployment(name)
		d.Namespace, d.Finalizers = namespace, []string{ours}
		objs = append(objs, d)
	}
	for i := range crowd(1000) {
		add("flood", name("o", i))
	}
	for i := range victims {
		add(name("victim", i), "v")
	}
	inBubble(t, func(b *harness) {
		done := make(chan types.NamespacedName, 1_000_000)
		b.opts.Workers = 2
		b.opts.Observer = nil
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			time.Sleep(work)
			done <- types.NamespacedName{Namespace: d.Namespace, Name: d.Name}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute) // the first list has a share of its own, see TestG10ChangesComeBeforeTheFirstList
		for n := range 20 {
			for i := range crowd(1000) { // 5,000 events/s: more than can be worked on
				b.c.Enqueue(types.NamespacedName{Namespace: "flood", Name: name("o", i)})
				if i%5 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			victim := types.NamespacedName{Namespace: name("victim", n%victims), Name: "v"}
			drain(done)
			start := time.Now()
			b.c.Enqueue(victim)
			for got := range done {
				if got == victim {
					break
				}
			}
			require.LessOrEqual(t, time.Since(start), 2*work, "twice of what it takes when nothing else runs")
		}
	}, objs...)
}

func drain(done chan types.NamespacedName) {
	for len(done) > 0 {
		<-done
	}
}

func name(prefix string, i int) string {
	return prefix + string(rune('a'+i/100)) + string(rune('a'+i/10%10)) + string(rune('a'+i%10))
}

// TestG10ChangesComeBeforeTheFirstList has a worker that is busy with what it found at
// the start when something changes. Kills: one lane for everything.
func TestG10ChangesComeBeforeTheFirstList(t *testing.T) {
	var objs []metav1.Object
	for i := range 100 {
		d := newDeployment(name("o", i))
		d.Finalizers = []string{ours}
		objs = append(objs, d)
	}
	inBubble(t, func(b *harness) {
		b.opts.Workers = 1
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			time.Sleep(time.Second)
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(3500 * time.Millisecond)
		last := name("o", 99)
		b.edit(last, scale(3))
		calls := b.settle(1600 * time.Millisecond)
		require.Contains(t, calls[:2], "apply "+last)
		b.settle(time.Hour)
	}, objs...)
}
