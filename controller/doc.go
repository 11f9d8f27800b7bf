// Package controller calls your code for every object of a kind, and again after every change and
// every failure, until the cluster is as the object says.
//
// You implement [Context] for your type: Apply makes the cluster, or something outside it,
// match an object, and Cleanup undoes that before the object goes away. [Run] does the rest: it
// watches the kind, adds and removes the finalizer, calls Apply or Cleanup for one object at a
// time, and calls again after a failure or a change.
//
//	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
//	...
//	err = controller.Run(ctx, repo, hello{}, nil)
//
// # Children and other objects
//
// An Apply reads other objects from informers ([informer.New]) and writes them through
// repositories ([repository.New]), both with the ctx that it got. Before Run, say which of their
// changes concern an object:
//
//   - [Owns], for children: changes of the objects whose controller is the object, see
//     [repository.SetController], whether Apply read them or not.
//   - [References], for what else Apply reads: changes of what it read, found or not, by name, list
//     or index, whoever owns it. No mapping has to be written. A child that Apply wrote without
//     reading it is not among them.
//   - [Watches]: changes of what a function of yours maps to the object.
//
// One informer may be given to several of them.
//
// Run runs these informers too. Reads with the ctx of an attempt show what that attempt, and
// earlier ones of the same object, wrote, even if the watch has not delivered it yet.
//
// # Errors
//
// An error that Apply returns is retried with exponential backoff. Package kerr has marks for other
// schedules: [kerr.Terminal], [kerr.Invalid], [kerr.After]. An [ErrorHandler] can show failures in
// the status. docs/retries.md has the whole table.
//
// # Pause
//
// Whoever may annotate an object can pause the work on it, see [PausedAnnotation]. A [PauseHandler] shows that in
// the status.
//
// # Time
//
// One call of Apply or Cleanup for one object is an attempt. Its ctx ends after Options.Timeout.
// Code that does not return then blocks its worker and its object, and no other: see
// [Controller.Healthy]. When the ctx of Run ends, no attempt starts any more, and running attempts
// have Options.Grace to finish.
//
// # Logs, metrics and traces
//
// Failures are logged, see Options.Logger and Options.Slog; [Logger] gives your code a logger with
// the names of the object. An [Observer] gets the same as data, for metrics and traces.
//
// # Testing
//
// A controller runs with the fake clientsets of client-go, with a simulated API server (package
// test/sim), also in virtual time, and in package test/explore, which crashes it before and after
// every write. docs/testing.md shows how.
package controller
