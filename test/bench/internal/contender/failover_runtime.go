package contender

import (
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// RuntimeReplica is a manager as kubebuilder scaffolds it, with --leader-elect: LeaderElectionReleaseOnCancel is there, but
// commented out. Tuned, it is set, since the program ends when the manager does, the controller is warmed up, so that its
// sources run before it leads, and its standbys look at the lease as often as this library's do.
func RuntimeReplica(opts RuntimeOptions) Replica {
	return func(cfg *rest.Config, e Election, apply Apply) (Runner, error) {
		lock, err := e.lock(cfg)
		if err != nil {
			return nil, err
		}
		mgr, err := newManager(cfg, opts, func(m *manager.Options) {
			m.Scheme = widget.Scheme()
			_ = clientgoscheme.AddToScheme(m.Scheme) // as scaffolded; it cannot fail
			m.LeaderElection, m.LeaderElectionID, m.LeaderElectionNamespace = true, e.Lease.Name, e.Lease.Namespace
			m.LeaseDuration, m.RenewDeadline, m.RetryPeriod = &e.LeaseDuration, &e.RenewDeadline, &e.RetryPeriod
			if opts.Tuned {
				m.LeaderElectionReleaseOnCancel, m.Controller.EnableWarmup = true, new(true)
				m.RetryPeriod, m.LeaderElectionResourceLockInterface = new(e.often()), lock
			}
		})
		if err != nil {
			return nil, err
		}
		err = builder.ControllerManagedBy(mgr).For(&widget.Widget{}).WithOptions(opts.controller(mgr, workers)).
			Complete(reconcile.AsReconciler(mgr.GetClient(), reconciler(owned(apply))))
		return managed{mgr}, err
	}
}
