// Package foreign calls code that is not ours where nothing may be lost by what it does: on
// the goroutines of client-go, which a panic or runtime.Goexit would end for good, without
// a word.
package foreign

import "github.com/kuberator/kuberator/kerr"

// Call runs f and returns its panic, or its call of runtime.Goexit, as an error. f runs on a
// goroutine of its own, which costs half a microsecond: nothing else can save the caller's
// from Goexit.
func Call(f func()) error {
	done := make(chan error, 1)
	go func() {
		returned := false
		defer func() {
			if value := recover(); !returned {
				done <- kerr.Recovered(value)
				return
			}
			done <- nil
		}()
		f()
		returned = true
	}()
	return <-done
}
