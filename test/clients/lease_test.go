package clients_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// client-go's elector takes a lease that test/fault expires.
func TestAnotherTakesALeaseThatExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("leases.coordination.k8s.io")})
		require.NoError(t, err)
		defer srv.Close()
		client, err := kubernetes.NewForConfig(srv.Config())
		require.NoError(t, err)
		now := metav1.NowMicro()
		lease := metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "leader"}
		_, err = client.CoordinationV1().Leases(lease.Namespace).Create(t.Context(), &coordinationv1.Lease{ObjectMeta: lease, Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("old"), LeaseDurationSeconds: new(int32(3600)), RenewTime: &now,
		}}, metav1.CreateOptions{})
		require.NoError(t, err)
		elected := make(chan struct{})
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta: lease, Client: client.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: "new"},
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
		require.NoError(t, fault.ExpireLease(t.Context(), srv.Config(), lease.Namespace, lease.Name))
		began := time.Now()
		<-elected
		require.Less(t, time.Since(began), 10*time.Second)
	})
}
