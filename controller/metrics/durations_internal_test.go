package metrics

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// Kills: durations that wait to be observed and are in no scrape, or in two; a bucket that the histogram of
// client-go or that of controller-runtime does not have, so that a sum over processes of both is wrong.
func TestG13EachDurationIsInTheNextScrapeOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := New(reg)
	require.NoError(t, err)
	names := map[string][]float64{
		"workqueue_queue_duration_seconds": queueBuckets, "workqueue_work_duration_seconds": queueBuckets,
		"controller_runtime_reconcile_time_seconds": reconcileBuckets,
	}
	for scrapes, ended := range []int{1, 300, 0, 256} {
		for range ended {
			m.Ended(t.Context(), controller.Attempt{Controller: "c", Op: kerr.OpApply, Queued: time.Millisecond, Duration: 20 * time.Millisecond, Next: -1})
		}
		families, err := reg.Gather()
		require.NoError(t, err)
		found := 0
		for _, family := range families {
			buckets, ok := names[family.GetName()]
			if !ok {
				continue
			}
			found++
			h := family.GetMetric()[0].GetHistogram()
			require.Equal(t, uint64([]int{1, 301, 301, 557}[scrapes]), h.GetSampleCount(), family.GetName())
			var bounds []float64
			for _, b := range h.GetBucket() {
				bounds = append(bounds, b.GetUpperBound())
				all := b.GetUpperBound() >= 0.02 || family.GetName() == "workqueue_queue_duration_seconds" && b.GetUpperBound() >= 0.001
				require.Equal(t, all, b.GetCumulativeCount() == h.GetSampleCount(), "%s %v", family.GetName(), b)
			}
			require.Equal(t, buckets, bounds)
			require.NotEmpty(t, h.GetPositiveSpan(), "it is a native histogram, too")
			for _, label := range family.GetMetric()[0].GetLabel() {
				require.Equal(t, "c", label.GetValue())
			}
		}
		require.Len(t, names, found)
	}
	require.Error(t, viewed{Metric: broken{}}.Write(&dto.Metric{}))
}

type broken struct{ prometheus.Metric }

func (broken) Write(*dto.Metric) error { return errors.New("broken") }
