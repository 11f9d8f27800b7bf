// Package sim is an API server for tests: in the process, in memory, without sockets.
//
// It behaves like the real one where a client can tell: resourceVersions, conflicts,
// generations, finalizers, subresources, all four forms of patches, selectors, paging,
// watches with bookmarks and expiry, schemas of CustomResourceDefinitions. What it answers
// is compared with a real server by the scripts of [test/conform]; where it differs, the
// README has a table.
//
//	srv, err := sim.New(sim.Options{Kinds: append(sim.Core("configmaps"), sim.CRD(widgets)...)})
//	client := kubernetes.NewForConfigOrDie(srv.Config())
//
// Any client works: typed, dynamic, metadata, generated ones, and informers. Since nothing
// leaves the process, all of it can run in a bubble of testing/synctest, in which an hour
// takes no time: make the server in the bubble, and close it before the bubble ends.
//
// A client has all rights, unless it shows a token or impersonates somebody (rest.Config.BearerToken,
// rest.Config.Impersonate): then it has those that the Roles, ClusterRoles and bindings on the
// server give, if the server has these kinds. Clients in other processes are served by package
// loopback, over HTTPS.
//
// [Server.Session] gives each simulated process connections of its own, which can be
// severed as a crash does, and whose watches can be held back as a slow network does.
//
// [test/conform]: https://pkg.go.dev/github.com/kuberator/kuberator/test/conform
package sim
