// Package controller runs your code for every object of a kind, until the world is
// as the object says.
//
// You implement [Context] for your type: Apply makes the world match an object,
// Cleanup undoes that before the object goes away. [Run] does the rest: it watches
// the kind, adds and removes the finalizer, calls Apply or Cleanup for one object
// at a time, and calls again after a failure or a change.
//
//	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
//	...
//	err = controller.Run(ctx, repo, hello{}, nil)
//
// # The walk of one event
//
//	informer    a watch event updates the cache and calls the handler         events.go
//	enqueue     filter, then queue.Add(key, reason)               events.go, secondary.go, external.go
//	work        a worker takes the key; no other worker gets it meanwhile       work.go
//	            are the caches full? did it vanish?                  gate.go, bypass.go
//	            is it news? do the caches show what we wrote?          state.go, own.go
//	            does it fail, or go round in circles?   failing.go, loop.go, undone.go
//	turn        the attempt: its ctx, what it reads and writes          turn.go, deps.go
//	snapshot    the cached object, or the live one if that is behind        snapshot.go
//	finalizer   add it, call Apply, or call Cleanup and remove it          reconcile.go
//	settle      the only place that decides when the key runs next            settle.go
//	report      one log record at most, then OnAttempt                        report.go
package controller
