// Package pace knows how often the attempts for an object come, and bounds that: loops of own
// writes, other clients that undo them, failures that something hurries, and log records that
// say the same again.
package pace

import (
	"time"

	"k8s.io/client-go/util/flowcontrol"
)

const (
	loopBurst = 20
	// PerMinute is how often an object in a loop is reconciled.
	PerMinute = 10
	// Pause is how long an object that is too fast waits.
	Pause = time.Minute / PerMinute
)

// Brake slows an object that is in a loop of whatever kind.
type Brake struct {
	limiter flowcontrol.RateLimiter // nil until the first round
	told    bool
}

// TooFast counts one more round and reports whether it must wait.
func (b *Brake) TooFast() bool {
	if b.limiter == nil {
		b.limiter = flowcontrol.NewTokenBucketRateLimiter(float32(PerMinute)/60, loopBurst)
	}
	return !b.limiter.TryAccept()
}

// First reports whether it was not called before.
func (b *Brake) First() bool {
	first := !b.told
	b.told = true
	return first
}
