package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// view exports a histogram by controller under another name, with some of its buckets. How long an attempt
// takes has a name of client-go and one of controller-runtime, with buckets of their own: it is observed once,
// since that is most of what metrics cost.
type view struct {
	of      *prometheus.HistogramVec
	desc    *prometheus.Desc
	labels  []string // each has the name of the controller
	buckets []float64
}

func newView(of *prometheus.HistogramVec, name, help string, buckets []float64, labels ...string) view {
	return view{of, prometheus.NewDesc(name, help, labels, nil), slices.Sorted(slices.Values(labels)), buckets}
}

// Describe implements [prometheus.Collector].
func (v view) Describe(ch chan<- *prometheus.Desc) { ch <- v.desc }

// Collect implements [prometheus.Collector].
func (v view) Collect(ch chan<- prometheus.Metric) {
	all := make(chan prometheus.Metric)
	go func() {
		defer close(all)
		v.of.Collect(all)
	}()
	for m := range all {
		ch <- viewed{m, v}
	}
}

// viewed is the histogram of one controller.
type viewed struct {
	prometheus.Metric
	view
}

// Desc implements [prometheus.Metric].
func (v viewed) Desc() *prometheus.Desc { return v.desc }

// Write implements [prometheus.Metric]. Buckets are cumulative: one can be left out.
func (v viewed) Write(out *dto.Metric) error {
	if err := v.Metric.Write(out); err != nil {
		return err
	}
	controller := out.Label[0].Value
	out.Label = nil
	for i := range v.labels {
		out.Label = append(out.Label, &dto.LabelPair{Name: &v.labels[i], Value: controller})
	}
	out.Histogram.Bucket = slices.DeleteFunc(out.Histogram.Bucket, func(b *dto.Bucket) bool {
		return !slices.Contains(v.buckets, b.GetUpperBound())
	})
	return nil
}
