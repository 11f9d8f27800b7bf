// Package sim is an API server for tests: in the process, in memory, without sockets.
//
// To a client it behaves like a real one: resourceVersions, conflicts, generations, finalizers,
// subresources, all four forms of patches, selectors, paging, watches with bookmarks and expiry,
// schemas of CustomResourceDefinitions. Its answers are compared with those of a real server by the
// scripts of [test/conform]; the README has a table of the differences.
//
//	srv, err := sim.New(sim.Options{Kinds: append(sim.Core("configmaps"), sim.CRD(widgets)...)})
//	client := kubernetes.NewForConfigOrDie(srv.Config())
//
// Any client works: typed, dynamic, metadata, generated ones, and informers. Since no socket is
// used, all of it can run in a bubble of testing/synctest, in which an hour takes no time: make
// the server in the bubble, and close it before the bubble ends.
//
// A client has all rights, unless it sends a token or impersonates a user
// (rest.Config.BearerToken, rest.Config.Impersonate): then it has those that the Roles,
// ClusterRoles and bindings on the server give, if the server has these kinds. Clients in other
// processes are served by package loopback, over HTTPS.
//
// [Server.Session] gives each simulated process its own connections. They can be cut, as by a crash,
// and their watches can be delayed, as by a slow network.
//
// [test/conform]: https://pkg.go.dev/github.com/kuberator/kuberator/test/conform
package sim
