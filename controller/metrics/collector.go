package metrics

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
)

// collector is what is registered. What [controller.Stats] knows is looked at for each scrape: it
// costs attempts nothing.
type collector struct{ m *Metrics }

// Describe implements [prometheus.Collector].
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, one := range append(c.m.attempts.collectors(), c.m.requests.collectors()...) {
		one.Describe(to)
	}
	for _, d := range descs {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, of := range c.m.byController.Range {
		of.(*counters).durations.flush() //nolint:forcetypeassert // nothing else is in it
	}
	for _, one := range append(c.m.attempts.collectors(), c.m.requests.collectors()...) {
		one.Collect(to)
	}
	c.m.mu.Lock()
	running, leading := slices.Collect(maps.Values(c.m.running)), maps.Clone(c.m.leading)
	c.m.mu.Unlock()
	byName := map[string]controller.Stats{}
	for _, stats := range running {
		s := stats()
		byName[s.Controller] = sum(byName[s.Controller], s)
	}
	for name, s := range byName {
		send{to, name}.stats(s)
	}
	for name, leads := range leading {
		send{to, name}.gauge(leaderDesc, number(leads()))
	}
}

// sum adds up two controllers of one name.
func sum(a, b controller.Stats) controller.Stats {
	if a.Controller == "" {
		return b
	}
	b.Workers += a.Workers
	b.Ready = a.Ready && b.Ready
	b.Queued, b.Background, b.Retrying, b.Requeued = a.Queued+b.Queued, a.Background+b.Background, a.Retrying+b.Retrying, a.Requeued+b.Requeued
	b.Parked, b.Attempts, b.Caches = append(b.Parked, a.Parked...), append(b.Attempts, a.Attempts...), append(b.Caches, a.Caches...)
	b.Stuck += a.Stuck
	b.Adds, b.Echoes, b.Bypassed = a.Adds+b.Adds, a.Echoes+b.Echoes, a.Bypassed+b.Bypassed
	return b
}

var (
	descs []*prometheus.Desc

	leaderDesc     = desc("leader_election_master_status", "Whether this process leads: 1, or 0 for a standby. name is that of the Lease.", "name")
	depthDesc      = desc("workqueue_depth", "How many objects wait for a worker. Those that nothing happened to, of the first list, of resyncs and of EnqueueBackground, have the priority -100.", "name", "controller", "priority")
	addsDesc       = desc("workqueue_adds_total", "How often an object began to wait for a worker.", queueLabels...)
	unfinishedDesc = desc("workqueue_unfinished_work_seconds", "How long the attempts under way have been running, added up. Large values indicate stuck workers.", queueLabels...)
	longestDesc    = desc("workqueue_longest_running_processor_seconds", "How long the attempt has been running that has been running longest.", queueLabels...)
	workersDesc    = desc("controller_runtime_max_concurrent_reconciles", "Maximum number of concurrent reconciles per controller.", "controller")
	activeDesc     = desc("controller_runtime_active_workers", "Number of currently used workers per controller.", "controller")
	readyDesc      = desc("kuberator_ready", "Whether all caches are full: 1, or 0.", "controller")
	stuckDesc      = desc("kuberator_stuck_attempts", "Attempts that have been running for more than twice their timeout.", "controller")
	waitingDesc    = desc("kuberator_waiting_objects", "Objects that wait for a timer: for a retry after a failure (why=retry), or for a Requeue (why=requeue).", "controller", "why")
	parkedDesc     = desc("kuberator_parked_objects", "Objects that there is a reason to reconcile and that are kept back, by why.", "controller", "why")
	oldestDesc     = desc("kuberator_parked_longest_seconds", "How long the object has been kept back that has been longest, by why.", "controller", "why")
	objectsDesc    = desc("kuberator_cache_objects", "Objects in a cache, by kind.", "controller", "group", "kind")
	lagDesc        = desc("kuberator_cache_lag_seconds", "For how long a cache has been known to be behind the API server, by kind. Up to a minute is normal.", "controller", "group", "kind")
	fullDesc       = desc("kuberator_cache_full", "Whether a cache has been filled: 1, or 0.", "controller", "group", "kind")
	echoesDesc     = desc("kuberator_own_echoes_total", "How often an object was not reconciled, since all that had happened to it were events of its own writes.", "controller")
	bypassedDesc   = desc("kuberator_bypassed_finalizers_total", "Objects that were gone without a Cleanup, since their finalizer was bypassed.", "controller")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	descs = append(descs, d)
	return d
}

// send sends the metrics of one controller.
type send struct {
	to   chan<- prometheus.Metric
	name string
}

func (s send) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s.to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{s.name}, labels...)...)
}

func (s send) counter(d *prometheus.Desc, value uint64, labels ...string) {
	s.to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), append([]string{s.name}, labels...)...)
}

func (s send) stats(now controller.Stats) {
	s.gauge(depthDesc, float64(now.Queued-now.Background), s.name, "0")
	s.gauge(depthDesc, float64(now.Background), s.name, "-100")
	s.counter(addsDesc, now.Adds, s.name)
	var all, longest time.Duration
	for _, at := range now.Attempts {
		running := time.Since(at.Start)
		all, longest = all+running, max(longest, running)
	}
	s.gauge(unfinishedDesc, all.Seconds(), s.name)
	s.gauge(longestDesc, longest.Seconds(), s.name)
	s.gauge(workersDesc, float64(now.Workers))
	s.gauge(activeDesc, float64(len(now.Attempts)))
	s.gauge(readyDesc, number(now.Ready))
	s.gauge(stuckDesc, float64(now.Stuck))
	s.gauge(waitingDesc, float64(now.Retrying), "retry")
	s.gauge(waitingDesc, float64(now.Requeued), "requeue")
	s.counter(echoesDesc, now.Echoes)
	s.counter(bypassedDesc, now.Bypassed)
	s.parked(now.Parked)
	s.caches(now.Caches)
}

// parked sends all reasons, so that a number goes to 0 and not away.
func (s send) parked(all []controller.Parked) {
	by := map[controller.ParkReason]controller.Parked{}
	for _, p := range all {
		before := by[p.Why]
		by[p.Why] = controller.Parked{Objects: before.Objects + p.Objects, Longest: max(before.Longest, p.Longest)}
	}
	for _, why := range []controller.ParkReason{
		controller.ParkedStale, controller.ParkedFilling, controller.ParkedFailing, controller.ParkedLoop, controller.ParkedAbandoned, controller.ParkedPaused,
	} {
		s.gauge(parkedDesc, float64(by[why].Objects), string(why))
		s.gauge(oldestDesc, by[why].Longest.Seconds(), string(why))
	}
}

// caches adds up the caches of one kind: there may be several, with different selectors.
func (s send) caches(all []informer.Stats) {
	by := map[schema.GroupKind]informer.Stats{}
	for _, one := range all {
		kind := one.Kind.GroupKind()
		if before, ok := by[kind]; ok {
			one.Objects, one.Lag, one.Full = before.Objects+one.Objects, max(before.Lag, one.Lag), before.Full && one.Full
		}
		by[kind] = one
	}
	for kind, one := range by {
		s.gauge(objectsDesc, float64(one.Objects), kind.Group, kind.Kind)
		s.gauge(lagDesc, one.Lag.Seconds(), kind.Group, kind.Kind)
		s.gauge(fullDesc, number(one.Full), kind.Group, kind.Kind)
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
