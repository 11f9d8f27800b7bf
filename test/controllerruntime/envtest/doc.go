// Package envtest takes the place of sigs.k8s.io/controller-runtime/pkg/envtest: a test imports this one in
// its place, and the API server is a simulated one that lives in the test's process. There is nothing to
// download, it starts in milliseconds, and each test can have its own.
//
//	env := &envtest.Environment{CRDDirectoryPaths: []string{"../config/crd/bases"}, ErrorIfCRDPathMissing: true}
//	cfg, err := env.Start()
//	...
//	defer env.Stop()
//
// # What differs
//
// Objects whose owners are gone are collected, and namespaces that are deleted go away with what is in
// them: both do not happen in the other envtest, which has no controllers.
//
// There are no webhooks: no WebhookInstallOptions. Rules in CEL (x-kubernetes-validations) are ignored unless Environment.Rules is set, and
// only a part of the validation of the kinds of Kubernetes is there. [test/sim] has the whole list.
//
// Clients live in the test's process. For kubectl and other programs, serve Environment.Server with
// [test/sim/loopback].
//
// [test/sim]: https://github.com/kuberator/kuberator/tree/main/test/sim#where-it-differs
// [test/sim/loopback]: https://pkg.go.dev/github.com/kuberator/kuberator/test/sim/loopback
package envtest
