// Package cluster starts a real Kubernetes control plane for tests: etcd, the API
// server and the controller manager, as processes of this machine on free loopback
// ports. Nothing has to be installed but Go; the program is built from Go modules
// the first time it is needed, and kept.
//
//	func TestOperator(t *testing.T) {
//		c := cluster.Start(t, nil)
//		err := cluster.InstallCRDs(t.Context(), c.Config(), crd)
//		…
//	}
//
// A test gets what a fake client cannot give: validation and defaulting by the CRD,
// resource versions and conflicts, finalizers, status subresources, RBAC, watches
// that break, garbage collection and the deletion of namespaces. There are no nodes,
// so Pods stay Pending.
//
// [Cluster.ServiceAccount] makes an operator run with the rights it will have, and
// the methods of [Process] take the control plane away from it: a crash, a hang, a
// restart in the middle.
//
// All processes end with the test, and also if the test is killed.
package cluster
