package fault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/kuberator/kuberator/test/fault"
)

func TestAnotherTakesALeaseThatExpires(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		now := metav1.NowMicro()
		lease := metav1.ObjectMeta{Namespace: w.namespace, Name: "leader"}
		_, err := w.direct.CoordinationV1().Leases(w.namespace).Create(t.Context(), &coordinationv1.Lease{ObjectMeta: lease, Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("old"), LeaseDurationSeconds: new(int32(3600)), RenewTime: &now,
		}}, metav1.CreateOptions{})
		require.NoError(t, err)
		elected := make(chan struct{})
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta: lease, Client: w.direct.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: "new"},
			},
			LeaseDuration: time.Hour, RenewDeadline: time.Minute, RetryPeriod: time.Second,
			Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { close(elected) }, OnStoppedLeading: func() {}},
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go elector.Run(ctx)

		time.Sleep(time.Minute)
		require.False(t, elector.IsLeader())
		require.NoError(t, fault.ExpireLease(t.Context(), w.cfg, w.namespace, "leader"))
		began := time.Now()
		<-elected
		require.Less(t, time.Since(began), 10*time.Second)
	})
}
