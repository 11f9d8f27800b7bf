package controller

import "k8s.io/client-go/util/flowcontrol"

// brake slows an object that is in a loop of whatever kind.
type brake struct {
	limiter flowcontrol.RateLimiter // nil until the first round
	told    bool
}

// tooFast counts one more round and reports whether it must wait.
func (b *brake) tooFast() bool {
	if b.limiter == nil {
		b.limiter = flowcontrol.NewTokenBucketRateLimiter(float32(loopPerMinute)/60, loopBurst)
	}
	return !b.limiter.TryAccept()
}

// slow keeps a key that is too fast until its next turn, or, if light, until something else
// happens to it. Why is said once.
func (c *Controller[T, C]) slow(r *runState[T], it *item, reasons []Reason, more int, b *brake, light bool, why string) {
	r.queue.Hold(it, reasons, more, loopPause, light)
	if !b.told {
		b.told = true
		c.warnLoop("reconcile loop: slowed to 10 attempts per minute: "+why, it, reasons)
	}
}
