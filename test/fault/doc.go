// Package fault makes requests of Kubernetes clients fail. Rules say which ones and how.
//
//	injector := fault.For(t,
//		fault.On("patch", "configmaps").Named("a").Nth(2).Then(fault.CommitThenEOF()),
//		fault.On("write", "*").From(5).Times(3).Then(fault.Unavailable(time.Second)),
//	)
//	client, err := kubernetes.NewForConfig(injector.Config(cfg))
//
// It works with any rest.Config, since it wraps the transport: that of a simulated API server
// (test/sim), also in a bubble of testing/synctest, and that of a real one (test/cluster).
//
// A [Rule] picks requests by verb, resource, object and number, and has [Outcome]s for them:
// an answer that gets lost after the write took effect, a request that never arrives, a
// rejection as the server words it, a delay, a call of the test's own code. A fault that did
// not happen tests nothing, so [For] fails the test if a rule was never applied.
//
// [Injector.Watches] holds back what watches show, lets it go event by event, and breaks
// watches off. [Injector.TimeTravel] makes a client see the past, as beside an API server
// that lags behind. [ExpireLease] takes a leader's lease away.
//
// # What clients repeat by themselves
//
// client-go repeats a request, up to ten times, if the answer is 429 or 5xx with a
// Retry-After header; and one that reads (GET), if its connection broke. The repetitions are
// requests like others: rules match and count them.
package fault
