// Package controllerruntime explores operators that are written with controller-runtime: a function that
// adds controllers to a manager becomes an [explore.Case].
//
//	explore.Run(t, explore.Case[*webv1.Website]{
//		Kinds:  append(sim.CRDFiles("../config/crd/bases"), sim.Core("deployments.apps", "services")...),
//		Scheme: scheme,
//		New: controllerruntime.New(func(mgr ctrl.Manager) error {
//			return (&WebsiteReconciler{Client: mgr.GetClient()}).SetupWithManager(mgr)
//		}),
//		Script: []explore.Step{explore.Create(website), explore.Settle(), explore.Delete("blog"), explore.Settle()},
//	})
//
// Package [envtest] is for tests that are written for controller-runtime's envtest. The guide is
// [docs/testing-controller-runtime.md].
//
// This is a module of its own, so that the library does without controller-runtime. It is tested with
// controller-runtime 0.25.
//
// [envtest]: https://pkg.go.dev/github.com/kuberator/kuberator/test/controllerruntime/envtest
// [docs/testing-controller-runtime.md]: https://github.com/kuberator/kuberator/blob/main/docs/testing-controller-runtime.md
package controllerruntime
