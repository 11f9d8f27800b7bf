// Package e2e tests the library against a real Kubernetes API server.
//
// What the unit tests assume about the server, a table here measures; what only a
// real server does (validation, RBAC, restarts, kinds that come and go), controllers
// meet here.
package e2e
