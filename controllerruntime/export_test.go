package controllerruntime

import "k8s.io/client-go/util/workqueue"

// Queue is what a source adds to.
type Queue = workqueue.TypedRateLimitingInterface[request]
