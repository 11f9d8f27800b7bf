// Package clients has tests of the simulator with clients of client-go that take a minute to
// compile: generated informer factories, and leader election, which needs them. It is a package
// of its own so that "make test" can leave it out.
package clients
