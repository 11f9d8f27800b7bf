package controller_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/fault"
)

// loses runs the controller until its first Apply has written and got no answer, with its
// watch held. Later ones, for an object that was scaled, return what is given.
func (b *harness) loses(then action, err error) *gated[*deployment] {
	b.t.Helper()
	g := gate(b.repo)
	b.watched = g
	b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
		if *d.Spec.Replicas != 1 {
			return then, err
		}
		_, err := b.repo.Patch(ctx, d, types.MergePatchType, []byte(`{"metadata":{"labels":{"l":"v"}}}`))
		return controller.AwaitChange(), err
	}
	b.fail(fault.On("patch", "deployments.apps").Nth(2).Then(fault.CommitThenEOF())) // the first adds the finalizer
	b.make()
	g.hold()
	b.run()
	require.Equal(b.t, []string{"apply a"}, b.settle(0))
	return g
}

// TestG9EventsOfStatesThatWereReadLiveAreNoNews has an attempt read what no event has told
// of yet. The events of that state, and of those before it, come later. Kills: an event of
// an older state that counts.
func TestG9EventsOfStatesThatWereReadLiveAreNoNews(t *testing.T) {
	inBubble(t, func(b *harness) {
		g := b.loses(controller.AwaitChange(), nil)
		b.edit("a", scale(2))
		b.edit("a", scale(3))
		require.Equal(t, []string{"apply a"}, b.settle(100*time.Millisecond), "with the live state")
		g.release()
		require.Empty(t, b.settle(time.Hour), "which is the last one")
	}, newDeployment("a"))
}

// TestG8AServerThatWentBackIsNews: in a server that was restored from a backup, what was
// old is new. Kills: an event that is dropped because its number is old.
func TestG8AServerThatWentBackIsNews(t *testing.T) {
	inBubble(t, func(b *harness) {
		var replicas []int32
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			replicas = append(replicas, *d.Spec.Replicas)
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute)
		backup, err := strconv.ParseUint(b.live("a").ResourceVersion, 10, 64)
		require.NoError(t, err)
		for n := range int32(3) {
			b.edit("a", scale(2+n))
			b.settle(time.Minute)
		}
		require.NoError(t, b.Rewind(backup))
		b.settle(2 * time.Minute) // a probe finds it
		b.edit("a", scale(7))     // with a number that the object has had
		b.settle(time.Minute)
		require.Equal(t, []int32{1, 2, 3, 4, 1, 7}, replicas)
	}, newDeployment("a"))
}
