// Package leader lets only one of several processes reconcile at a time: the one that holds a
// Lease. The others keep their caches full and take over when it goes.
//
//	elector, err := leader.New(cfg, types.NamespacedName{Namespace: "shop", Name: "shop-operator"}, nil)
//	...
//	elector.Lead(shops, orders) // controllers, or other runners
//	err = elector.Run(ctx)
//
// An [Elector] is a controller.Runner: controller.RunAll runs it beside what every process does,
// such as serving metrics, and several electors with one lease each.
//
// # How it goes
//
// Standbys look at the lease every quarter of RetryPeriod. They take it at once if it was released,
// and otherwise when it has not changed for LeaseDuration, by their own clock. Then the runners
// run. When the ctx of Run ends, they stop; the lease is renewed until they have, and then
// released, so that a standby takes over within a second. When the lease is lost they stop too,
// and this process competes again.
//
// # The fence
//
// A lease alone does not keep two processes from writing: the one that lost it may not have
// noticed, since it was paused, or since requests hang. Hence each write of a repository with the
// ctx of an attempt, a Sweep or a ReleaseAll under the lease is refused, with class NotLeader, if
// RenewDeadline has passed since the last renewal that succeeded was sent. That is checked right
// before the request is sent, by the monotonic clock; the request is cut off at that time, too.
// For clients that are not repositories, and for code without the ctx, see [Elector.Config].
//
// What is left is a request that was sent in time and arrives late. The others wait for
// LeaseDuration, which leaves it LeaseDuration - RenewDeadline, 5 s by default. One that arrives
// even later changes nothing that changed since: writes of this library name the UID, and mostly
// the resourceVersion, of the state that they were decided on.
//
// Clocks may differ in speed by the ratio of LeaseDuration to RenewDeadline, 1.5 by default. Their
// time of day does not matter. A clock that stands still while time passes, as in a virtual machine
// that is suspended as a whole, is not noticed.
package leader
