// Package controllerruntime is for programs that move from controller-runtime to this library one controller at a
// time. Both work in one process, beside each other, under one manager:
//
//   - [Lead] and [EachReplica] have a manager run controllers of this library. [Repository] makes the
//     repositories for them, with what the manager knows.
//   - [Adapt] runs a reconciler that is written for controller-runtime in a controller of this library, with the
//     events of the manager's cache. That is for a reconciler that is to be rewritten later, or never.
//
// The guide is [docs/migrate/controller-runtime.md].
//
// # Versions
//
// This is a module of its own, so that the library does without controller-runtime. It is tested with
// controller-runtime 0.25 and client-go 0.37, which belong together, and needs at least these. A release of it needs
// the release of the library that has the same version. What controller-runtime may change without notice, and this
// package uses: the method Start of a source, which is for controllers; and that a manager warms up what has a method
// Warmup, which is in beta.
//
// [docs/migrate/controller-runtime.md]: https://github.com/kuberator/kuberator/blob/main/docs/migrate/controller-runtime.md
package controllerruntime
