// Package bench measures this library beside a loop written by hand on client-go and
// beside controller-runtime: the same objects, from the same server, in the same run.
//
// It is a module of its own, so that controller-runtime never becomes a dependency
// of the library. README.md says how to run it and what the numbers mean.
package bench
