// Package explore shows in a unit test that an operator is correct when things go wrong: it
// runs the operator on a simulated API server and crashes it at every write, loses answers,
// refuses writes, lets caches fall behind, starts a second process; and compares what is left
// with a run in which nothing went wrong.
//
//	func TestGreeter(t *testing.T) {
//		explore.Run(t, explore.Case[*corev1.ConfigMap]{
//			Kinds: sim.Core("configmaps", "secrets"),
//			New:   newGreeter, // as main does, with env.Config()
//			Script: []explore.Step{
//				explore.Create(greeting("hello")), explore.Settle(),
//				explore.Update("hello", shout), explore.Settle(),
//				explore.Delete("hello"), explore.Settle(),
//			},
//		})
//	}
//
// Nothing has to be asserted: the run without faults says what is right. A report names the
// plan that broke the operator, shows the run with what each process wrote, and how to see it
// again. Time is virtual, so that a run takes milliseconds.
//
// # What is tried
//
// For every write of the operator, to the cluster or to an external system: a crash before it
// is sent; a crash after it took effect; that its answer is lost; that the server refuses it;
// that somebody else changes the object first; that caches do not show it; that a process
// started anew sees an older state; that a second process starts. For every step of the
// script: that the operator sees it only together with the next; that it is taken back. See
// [FaultKind].
//
// # What must hold
//
//   - At every [Settle], the objects in the cluster and what external systems hold are the
//     same as without faults, but for fields that differ from run to run anyhow, and those
//     that Case.Mask names.
//   - The operator has created and deleted each object as often as without faults. (Not
//     compared where more than one process works, or states were never seen.)
//   - It comes to rest, and stays there.
//   - Without faults it logs no errors, as far as it logs with Env.Logger.
//   - It undoes nothing that somebody else set, and removes no finalizer that it did not add.
//   - Case.Invariants hold after every change, and its processes end when their ctx does.
//
// # Where the ideas come from
//
// Intermediate, stale and unobserved states are the classes of Sieve (Sun et al., OSDI 2022);
// states that are left and come back to are from Acto (Gu et al., SOSP 2023).
package explore
