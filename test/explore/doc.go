// Package explore tests in a unit test that an operator is correct when things go wrong: it runs
// the operator on a simulated API server and crashes it at every write, loses answers, refuses
// writes, lets caches fall behind, and starts a second process. Then it compares the result with
// that of a run without faults.
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
// No assertions are needed: the run without faults shows what is right. A report names the plan
// under which the operator fails, shows what each process wrote in that run, and how to repeat
// it. Time is virtual, so that a run takes milliseconds.
//
// # What is tried
//
// For every write of the operator, to the cluster or to an external system: a crash before it is
// sent; a crash after it took effect; that its answer is lost; that the server refuses it, in each
// way; that another client changes the object first; that caches do not show it; that a process that is
// started again sees an older state; that a second process starts. For every step of the script:
// that the operator sees it only together with the next one; that it is undone. See [FaultKind].
//
// # What must hold
//
//   - At every [Settle], the objects in the cluster and the content of external systems are the
//     same as without faults, except for fields that differ from run to run without faults, and
//     those in Case.Mask.
//   - The operator has created and deleted each object as often as without faults. (Not
//     compared where more than one process works, or states were never seen; and what the garbage
//     collector takes away before the next Settle does not count.)
//   - It settles: it stops writing. The same write 1,000 times in one instant is a hot loop.
//   - What it leaves does not depend on which of its watches is first.
//   - Without faults it logs no errors, as far as it logs with Env.Logger. (A conflict, AlreadyExists
//     and NotFound are what a cache that is a moment behind leads to, and must end within ten tries.)
//   - It does not undo what another client sets right before one of its writes, which is an annotation;
//     and it removes no finalizer that it did not add.
//   - Case.Invariants hold after every change, and its processes end when their ctx does.
//
// # Where the ideas come from
//
// Intermediate, stale and unobserved states are the classes of Sieve (Sun et al., OSDI 2022);
// undoing a change is from Acto (Gu et al., SOSP 2023).
package explore
