// Package controller runs your code for every object of a kind, until the cluster is as the
// object says.
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
//   - [References]: what Apply read, found or not, by name, list or index. This is the one to
//     begin with: there is no mapping to write.
//   - [Owns]: what has the object as its controller, see [repository.SetController].
//   - [Watches]: what a function of yours says.
//
// Run runs these informers too. Reads with the ctx of an attempt show what that attempt, and
// earlier ones of the same object, wrote, also if the watch has not delivered it yet.
//
// # Errors
//
// An error that Apply returns is tried again with a growing backoff. Package kerr has marks for
// other schedules: [kerr.Terminal], [kerr.Invalid], [kerr.After]. An [ErrorHandler] can show
// failures in the status. docs/retries.md has the whole table.
//
// # Time
//
// An attempt has Options.Timeout until its ctx ends. Code that does not return then keeps its
// worker and its object, and no other: see [Controller.Healthy]. When the ctx of Run ends, no
// attempt starts any more, and those that run have Options.Grace to finish.
//
// # What is seen
//
// Failures and trouble are logged, see Options.Logger and Options.Slog; [Logger] gives your code
// a logger with the names of the object. An [Observer] gets the same as data, for metrics and
// traces.
//
// # Testing
//
// A controller runs against the fake clientsets of client-go, against a simulated API server
// (package test/sim), in virtual time if you like, and against package test/explore, which
// crashes it before and after every write. docs/testing.md shows how.
package controller
