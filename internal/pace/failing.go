package pace

import "time"

// hurry bounds how often something that happens makes a failing object be tried again before
// its backoff ends: once in this time. A dependency that changes 100 times a second costs no more
// than 60 attempts a minute, and what repairs an object is seen within a second.
const hurry = time.Second

// Failing is what is known of an object whose last attempt failed and is to be tried again.
type Failing struct {
	is       bool
	began    time.Time // the last attempt
	due      time.Time // the next one, by the backoff
	hurrying time.Time // when one came before it was due
}

// Failed notes when the last attempt began, and when the next one is due.
func (f *Failing) Failed(began, due time.Time) { f.is, f.began, f.due = true, began, due }

// Ended notes that the last attempt left nothing to be tried again.
func (f *Failing) Ended() { f.is = false }

// Is reports whether the last attempt failed and is to be tried again.
func (f *Failing) Is() bool { return f.is }

// Backoff returns the wait after a failure. While events hurry the object, the first and short
// steps of the backoff would come on top of them.
func (f *Failing) Backoff(wait time.Duration, now time.Time) time.Duration {
	if !f.hurrying.IsZero() && now.Sub(f.hurrying) < time.Minute {
		return max(wait, hurry)
	}
	return wait
}

// Hurry returns how long an attempt before the backoff ends must still wait. If that is not
// positive, it notes that the attempt is made.
func (f *Failing) Hurry(now time.Time) time.Duration {
	wait := min(f.began.Add(hurry).Sub(now), f.due.Sub(now))
	if wait <= 0 {
		f.hurrying = now
	}
	return wait
}
