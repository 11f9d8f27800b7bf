// Package limit is small enough to be tested often.
package limit

// Limited returns n, or limit if that is less.
func Limited(n, limit int) int {
	if n > limit {
		return limit
	}
	return n
}

// Double returns twice n.
func Double(n int) int {
	return 2 * n
}

// Wait returns when done is closed.
func Wait(done chan struct{}) {
	<-done
}
