// Package loopback serves a simulated API server on a port of 127.0.0.1, for clients in other
// processes: kubectl, an operator in a program of its own, a demonstration.
//
//	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
//	served, err := loopback.Serve(srv, nil)
//	fmt.Println("export KUBECONFIG=" + served.Kubeconfig())
//
// It speaks HTTPS with HTTP/2, as a real server does, and asks for a token: other users of the
// machine see its health and its version, and nothing else. Tests in one process do not need it: clients from [sim.Server.Config]
// reach the server without a socket, in a bubble of testing/synctest too.
package loopback
