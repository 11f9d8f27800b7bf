package contender

import (
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
)

// backoff is how long an object waits after failures in a row where the contenders are to wait equally long: 100 ms, twice as
// long each time, and at most 5 minutes, which is what this library does by default. The others begin with 5 ms by
// default, and one of the queues of client-go lets only 10 objects a second be tried again after the first 100.
func backoff[T comparable]() workqueue.TypedRateLimiter[T] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[T](100*time.Millisecond, 5*time.Minute)
}

// ClientGoBackoff is [ClientGo] with the backoff of this library.
func ClientGoBackoff(cfg *rest.Config, apply Apply) (Operator, error) {
	return newClientGo(cfg, owned(apply), backoff[string]())
}
