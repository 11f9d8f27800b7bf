// Package report keeps what was measured, and shows it: as a table, as JSON, as charts.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// Result is a metric of a contender, over all rounds.
type Result struct {
	Workload  string  `json:"workload"`
	Contender string  `json:"contender"`
	Metric    string  `json:"metric"`
	Unit      string  `json:"unit"`
	Median    float64 `json:"median"`
	Min       float64 `json:"min"`
	Max       float64 `json:"max"`
	Rounds    int     `json:"rounds"`
	// Partial means that less was done than the workload asks for, or with a profile: it is not published.
	Partial bool `json:"partial,omitempty"`
	// Ratios are the medians of the ratios within each round, of an even number of rounds the geometric mean of the two in
	// the middle, so that the ratio of a to b is the inverse of that of b to a. They are those to another contender, whose value is 1.
	Ratios map[string]float64 `json:"ratios,omitempty"`
}

// Results are those of a file, and the machine that they are from.
type Results struct {
	Machine Machine `json:"machine"`
	// Commits has the commit that each workload was measured at, by its name.
	Commits map[string]string `json:"commits"`
	Results []Result          `json:"results"`
}

// Read reads a file of results. One that does not exist has none, as no file, which is "".
func Read(path string) (*Results, error) {
	all := &Results{}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// Write writes them, if path is not "".
func (r *Results) Write(path string) error {
	if path == "" {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o600)
}

// Replace puts what was measured in the place of earlier results of the workload. What another machine measured goes.
func (r *Results) Replace(name string, samples *Samples) {
	if here := thisMachine(); r.Machine != here {
		r.Machine, r.Commits, r.Results = here, nil, nil
	}
	if r.Commits == nil {
		r.Commits = map[string]string{}
	}
	r.Commits[name] = samples.Commit
	r.Results = slices.DeleteFunc(r.Results, func(x Result) bool { return x.Workload == name })
	r.Results = append(r.Results, samples.results()...)
}

// Find returns a result.
func (r *Results) Find(name, contender, metric string) (Result, bool) {
	i := slices.IndexFunc(r.Results, func(x Result) bool { return x.Workload == name && x.Contender == contender && x.Metric == metric })
	if i < 0 {
		return Result{}, false
	}
	return r.Results[i], true
}

// Samples are what the rounds of a workload measured.
type Samples struct {
	Workload string
	// Commit is what was measured. "" means that nobody knows.
	Commit string
	// Partial is that of the results.
	Partial bool
	series  []series
}

// series are the values of one metric of one contender, a value for each round.
type series struct {
	contender, metric, unit string
	values                  []float64
}

// Add adds the values of a round.
func (s *Samples) Add(contender string, values []workload.Value) {
	for _, v := range values {
		i := s.index(contender, v.Metric)
		if i < 0 {
			i = len(s.series)
			s.series = append(s.series, series{contender: contender, metric: v.Metric, unit: v.Unit})
		}
		s.series[i].values = append(s.series[i].values, v.Value)
	}
}

func (s *Samples) index(contender, metric string) int {
	return slices.IndexFunc(s.series, func(x series) bool { return x.contender == contender && x.metric == metric })
}

func (s *Samples) results() (out []Result) {
	for _, x := range s.series {
		r := Result{
			Workload: s.Workload, Contender: x.contender, Metric: x.metric, Unit: x.unit,
			Median: median(x.values), Min: slices.Min(x.values), Max: slices.Max(x.values), Rounds: len(x.values),
			Partial: s.Partial, Ratios: map[string]float64{},
		}
		for _, other := range s.series {
			if other.metric == x.metric && other.contender != x.contender && len(other.values) == len(x.values) && slices.Min(other.values) > 0 {
				r.Ratios[other.contender] = ratio(x.values, other.values)
			}
		}
		out = append(out, r)
	}
	return out
}

func ratio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	low, high := workload.Middle(ratios)
	return math.Sqrt(low * high)
}

// median returns the middle one, or the mean of the two in the middle.
func median(values []float64) float64 {
	low, high := workload.Middle(values)
	return (low + high) / 2
}
