// Package controllerruntime is for programs that move from controller-runtime to this library one controller at a
// time. Both work in one process, beside each other, under one manager:
//
//   - [Lead] and [EachReplica] have a manager run controllers of this library. [Repository] makes the
//     repositories for them, with what the manager knows.
//   - [Adapt] gives a controller of controller-runtime the queue of this library: namespaces that take turns, a backoff
//     that events do not end, and pauses. That is for a reconciler that is to be rewritten later, or never.
//
// The guide is [docs/migrate/controller-runtime.md].
//
// # Versions
//
// This is a module of its own, so that the library does without controller-runtime. It is tested with
// controller-runtime 0.25 and client-go 0.37, which belong together, and needs at least these. It uses internal
// packages of the library, so both must have the same version: change them together. What controller-runtime may
// change without notice, and this package uses: the option NewQueue of a controller; that a manager warms up what has
// a method Warmup, which is in beta; and that it stops what has a method GetCache after what leads.
//
// [docs/migrate/controller-runtime.md]: https://github.com/kuberator/kuberator/blob/main/docs/migrate/controller-runtime.md
package controllerruntime
