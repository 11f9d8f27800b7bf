package controller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/fault"
)

// TestG13WorkersThatTakeNothing: without a deadline, nothing else tells that all workers hang. Kills: one that
// counts idle workers, for which nothing waits, or busy ones.
func TestG13WorkersThatTakeNothing(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Workers, b.opts.Timeout = 1, -1
		release := make(chan struct{})
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			<-release
			return action{}, nil
		}
		b.start()
		b.settle(time.Hour)
		require.NoError(t, b.c.Healthy(), "nothing waits")
		b.create("waits")
		b.settle(9 * time.Minute)
		require.NoError(t, b.c.Healthy())
		b.settle(3 * time.Minute)
		require.ErrorContains(t, b.c.Healthy(), "1 objects wait, and no worker has taken one for 1")
		close(release)
		b.settle(2 * time.Minute)
		require.NoError(t, b.c.Healthy())
	}, newDeployment("hangs"))
}

// TestG14NotReadyWhileShuttingDown: no request should come any more.
func TestG14NotReadyWhileShuttingDown(t *testing.T) {
	inBubble(t, func(b *harness) {
		release := make(chan struct{})
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			<-release
			return action{}, nil
		}
		b.start()
		b.settle(time.Second)
		require.NoError(t, b.c.Ready())
		b.stop()
		b.settle(time.Second)
		require.ErrorContains(t, b.c.Ready(), "is shutting down")
		close(release)
	}, newDeployment("a"))
}

// TestG18ACacheThatStaysBehindIsUnhealthy, when filling it anew has not helped either.
func TestG18ACacheThatStaysBehindIsUnhealthy(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.start()
		b.settle(time.Minute)
		b.Watches("deployments.apps").Hold()
		b.fail(fault.On("list", "deployments.apps").From(5).Then(fault.Drop())) // after some probes, which find out
		b.edit("a", scale(3))
		b.settle(8 * time.Minute)
		require.NoError(t, b.c.Healthy())
		b.settle(8 * time.Minute)
		require.ErrorContains(t, b.c.Healthy(), "the cache of Deployment has been behind for 1")
		b.faults.Clear()
		b.Watches("deployments.apps").Release()
		b.settle(5 * time.Minute)
		require.NoError(t, b.c.Healthy())
	}, newDeployment("a"))
}
