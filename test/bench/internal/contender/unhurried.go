package contender

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// unhurried is the lock of those who have client-go's elector act more often than the lease is to be renewed: the elector
// has one period for both, for standbys that look and for the leader that renews. A renewal before its time is left out.
// The elector then takes it for renewed up to RetryPeriod longer than it is: with the usual times, 3 s less than others wait.
type unhurried struct {
	resourcelock.Interface

	every   time.Duration
	renewed time.Time
}

// lock returns the lock of a replica.
func (e Election) lock(cfg *rest.Config) (*unhurried, error) {
	clients, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return &unhurried{every: e.RetryPeriod, Interface: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: e.Lease.Namespace, Name: e.Lease.Name},
		Client:     clients.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: string(uuid.NewUUID())},
	}}, nil
}

// Update implements resourcelock.Interface. The elector calls it from one goroutine.
func (l *unhurried) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	ours := record.HolderIdentity == l.Identity() // or it is released
	if ours && !l.renewed.IsZero() && time.Since(l.renewed) < l.every {
		return nil
	}
	sent := time.Now()
	err := l.Interface.Update(ctx, record)
	if err == nil && ours {
		l.renewed = sent
	}
	return err
}
