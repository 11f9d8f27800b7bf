package metrics

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// attempts are the metrics that are counted when something happens.
type attempts struct {
	total, reconciles, errors, terminal, panics, timeouts *prometheus.CounterVec
	retries, conflicts, writes, troubles                  *prometheus.CounterVec
	queue, lasted, parked, observed, deleted              *prometheus.HistogramVec
}

func newAttempts() attempts {
	return attempts{
		total:      counter("kuberator_attempts_total", "Attempts to reconcile an object, by the last step, the result (success, requeue, error) and the class of the error.", "controller", "op", "result", "class"),
		reconciles: counter("controller_runtime_reconcile_total", "Total number of reconciliations per controller.", "controller", "result"),
		errors:     counter("controller_runtime_reconcile_errors_total", "Total number of reconciliation errors per controller.", "controller"),
		terminal:   counter("controller_runtime_terminal_reconcile_errors_total", "Total number of reconciliation errors per controller that are not tried again before something changes.", "controller"),
		panics:     counter("controller_runtime_reconcile_panics_total", "Total number of reconciliation panics per controller.", "controller"),
		timeouts:   counter("controller_runtime_reconcile_timeouts_total", "Total number of reconciliation timeouts per controller.", "controller"),
		retries:    counter("workqueue_retries_total", "Total number of times that an object was to be reconciled again after a wait: a backoff or a Requeue.", queueLabels...),
		conflicts:  counter("kuberator_conflicts_total", "Attempts that ended since another client had changed the object, by the step.", "controller", "op"),
		writes:     counter("kuberator_writes_total", "Writes that the API server accepted, by the kind of write.", "controller", "op"),
		troubles:   counter("kuberator_troubles_total", "Failures outside of attempts: lists, watches, undecodable objects, filters, mappings, sweeps, sources.", "controller", "op", "class"),
		queue:      histogram("workqueue_queue_duration_seconds", "How long an object waits for a worker.", queueBuckets, queueLabels...),
		lasted:     histogram("lasted", "Exported by views.", slices.Compact(slices.Sorted(slices.Values(slices.Concat(queueBuckets, reconcileBuckets)))), "controller"),
		parked:     histogram("kuberator_parked_seconds", "How long an object was kept back before an attempt; objects that were not kept back are left out.", slowBuckets, "controller"),
		observed:   histogram("kuberator_generation_observed_seconds", "From the event of a new generation to the end of the first attempt that succeeded for it.", slowBuckets, "controller"),
		deleted:    histogram("kuberator_deletion_seconds", "From the time when a deletion was asked for to the end of the object.", slowBuckets, "controller"),
	}
}

func (a *attempts) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		a.total, a.reconciles, a.errors, a.terminal, a.panics, a.timeouts, a.retries, a.conflicts, a.writes, a.troubles,
		a.queue, a.parked, a.observed, a.deleted,
		newView(a.lasted, "workqueue_work_duration_seconds", "How long a worker is busy with an object.", queueBuckets, queueLabels...),
		newView(a.lasted, "controller_runtime_reconcile_time_seconds", "Length of time per reconciliation per controller.", reconcileBuckets, "controller"),
	}
}

// queueLabels are two names of the same: that of client-go, and that which controller-runtime adds.
var queueLabels = []string{"name", "controller"}

// The buckets of the classic histograms: those of client-go's workqueue, those of
// controller-runtime, and, for what people wait for, from a tenth of a second to an hour.
var (
	queueBuckets     = prometheus.ExponentialBuckets(10e-9, 10, 12)
	reconcileBuckets = []float64{
		0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
		1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
	}
	slowBuckets = []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}
)

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// histogram is a classic and a native one: what is scraped decides. The native one has buckets that
// are a tenth apart, a hundred at most.
func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}, labels)
}

// counters are those of one controller that each attempt needs, looked up once.
type counters struct {
	applied                                     [3]prometheus.Counter // by result
	reconciles                                  [3]prometheus.Counter
	errors, terminal, panics, timeouts, retries prometheus.Counter
	durations                                   *durations
	parked, observed, deleted                   prometheus.Observer
}

// The results of an attempt, as indexes.
const (
	succeeded = iota
	requeued
	failed
)

// of returns the counters of a controller.
func (m *Metrics) of(name string) *counters {
	if c, ok := m.byController.Load(name); ok {
		return c.(*counters) //nolint:forcetypeassert // nothing else is in it
	}
	c := &counters{
		errors: m.errors.WithLabelValues(name), terminal: m.terminal.WithLabelValues(name),
		panics: m.panics.WithLabelValues(name), timeouts: m.timeouts.WithLabelValues(name),
		retries:   m.retries.WithLabelValues(name, name),
		durations: &durations{queued: m.queue.WithLabelValues(name, name), lasted: m.lasted.WithLabelValues(name)}, parked: m.parked.WithLabelValues(name),
		observed: m.observed.WithLabelValues(name), deleted: m.deleted.WithLabelValues(name),
	}
	for result := range c.applied {
		c.reconciles[result] = m.reconciles.WithLabelValues(name, [...]string{"success", "requeue_after", "error"}[result])
	}
	for result, text := range results[:failed] {
		c.applied[result] = m.total.WithLabelValues(name, string(kerr.OpApply), text, "")
	}
	known, _ := m.byController.LoadOrStore(name, c)
	return known.(*counters) //nolint:forcetypeassert // nothing else is in it
}

var results = [...]string{succeeded: "success", requeued: "requeue", failed: "error"}

// Started implements [controller.Observer].
func (m *Metrics) Started(ctx context.Context, _ controller.Attempt) context.Context { return ctx }

// Ended implements [controller.Observer].
func (m *Metrics) Ended(_ context.Context, at controller.Attempt) {
	c := m.of(at.Controller)
	c.durations.add(at.Queued, at.Duration)
	if at.Parked > 0 {
		c.parked.Observe(at.Parked.Seconds())
	}
	if at.Next >= 0 {
		c.retries.Inc()
	}
	for op, n := range at.WritesBy {
		m.writes.WithLabelValues(at.Controller, opLabel(op)).Add(float64(n))
	}
	if at.Err != nil {
		m.failed(c, at)
		return
	}
	result := succeeded
	if _, again := at.Action.After(); again {
		result = requeued
	}
	c.reconciles[result].Inc()
	if at.Op == kerr.OpApply {
		c.applied[result].Inc()
		return
	}
	m.total.WithLabelValues(at.Controller, opLabel(at.Op), results[result], "").Inc()
}

func (m *Metrics) failed(c *counters, at controller.Attempt) {
	class := kerr.ClassOf(at.Err)
	m.total.WithLabelValues(at.Controller, opLabel(at.Op), results[failed], class.String()).Inc()
	c.reconciles[failed].Inc()
	c.errors.Inc()
	if kerr.WaitsForChange(at.Err) {
		c.terminal.Inc()
	}
	switch class {
	case kerr.ClassPanic:
		c.panics.Inc()
	case kerr.ClassTimeout:
		c.timeouts.Inc()
	case kerr.ClassConflict:
		m.conflicts.WithLabelValues(at.Controller, opLabel(at.Op)).Inc()
	default:
	}
}

// Trouble implements [controller.Observer].
func (m *Metrics) Trouble(t controller.Trouble) {
	m.troubles.WithLabelValues(t.Controller, opLabel(t.Op), kerr.ClassOf(t.Err).String()).Inc()
}

// Converged implements [controller.ConvergenceObserver].
func (m *Metrics) Converged(what controller.Convergence) {
	c := m.of(what.Controller)
	if what.Deleted {
		c.deleted.Observe(what.After.Seconds())
		return
	}
	c.observed.Observe(what.After.Seconds())
}

// ops are the steps that labels name.
var ops = map[kerr.Op]bool{
	kerr.OpGet: true, kerr.OpList: true, kerr.OpSync: true, kerr.OpDecode: true, kerr.OpCreate: true, kerr.OpUpdate: true,
	kerr.OpPatch: true, kerr.OpServerSideApply: true, kerr.OpDelete: true, kerr.OpEnsure: true, kerr.OpAddFinalizer: true,
	kerr.OpRemoveFinalizer: true, kerr.OpApply: true, kerr.OpCleanup: true, kerr.OpPause: true, kerr.OpPatchStatus: true, kerr.OpMap: true,
	kerr.OpFilter: true, kerr.OpSweep: true, kerr.OpSource: true, kerr.OpReconcile: true,
}

// opLabel names a step. User code may name steps of its own, of which there may be any number.
func opLabel(op kerr.Op) string {
	if ops[op] {
		return string(op)
	}
	return "other"
}
