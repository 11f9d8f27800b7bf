// Package fake makes client-go's fake clientsets behave like a server.
//
//	cs := kubernetesfake.NewClientset(objects...)
//	fake.Harden(t, &cs.Fake, scheme.Scheme)
//
// From then on the clientset has conflicts, uids, generations, finalizers and their life cycle,
// status subresources, generated names, preconditions, selectors on lists and watches,
// server-side apply, errors of the server's classes, and watches that lose nothing: it is backed
// by the simulated API server of test/sim. Reactors that a test prepends come first as before,
// and Actions returns the calls.
//
// What a reactor cannot do: it is called with the fake's lock held and without the ctx of the
// call. So calls are made one at a time and do not end with their ctx. For a test about that,
// or about time and crashes, give the code under test a client of test/sim.
package fake
