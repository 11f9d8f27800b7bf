package sim

import (
	"context"
	"sync/atomic"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// client-go sleeps after an error that it can only report, until a millisecond has passed
// since the one before. The first one counts as the start of the process; in a bubble of
// testing/synctest the clock stands in the year 2000, so that the sleep takes decades of
// virtual time, in which a reflector does not watch. Here a clock that goes back ends it.
func init() {
	var last atomic.Int64
	backoff := func(context.Context, error, string, ...any) {
		now := time.Now().UnixNano()
		time.Sleep(min(time.Duration(last.Swap(now)-now)+time.Millisecond, time.Millisecond))
	}
	// The first handler logs, the second is the one that sleeps.
	if handlers := utilruntime.ErrorHandlers; len(handlers) == 2 {
		handlers[1] = backoff
	}
}
