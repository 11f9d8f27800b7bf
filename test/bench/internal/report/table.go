package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Table shows a workload: a line for each metric, a column for each contender, with the median, and how far the
// rounds were from it, and the ratio of this library, or of the first contender, to it.
func Table(w workload.Workload, all *Results) string {
	lines := append([][]string{head(w)}, body(w, all)...)
	var out strings.Builder
	tabs := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(tabs, strings.Join(line, "\t"))
	}
	_ = tabs.Flush()
	return w.Name + ": " + w.About + "\n\n" + out.String() + rounds(w, all) + "\n"
}

// rounds says how often a workload was measured: not more than its table shows.
func rounds(w workload.Workload, all *Results) string {
	n := 0
	for _, r := range all.Results {
		if r.Workload == w.Name {
			n = max(n, r.Rounds)
		}
	}
	if n == 1 {
		return "1 round."
	}
	return itoa(n) + " rounds."
}

func head(w workload.Workload) []string {
	line := []string{""}
	for _, c := range w.Contenders {
		line = append(line, c.Name)
	}
	return line
}

func body(w workload.Workload, all *Results) (lines [][]string) {
	for _, metric := range metrics(w, all) {
		reference, _ := all.Find(w.Name, w.Reference(), metric)
		var line []string
		for _, c := range w.Contenders {
			r, ok := all.Find(w.Name, c.Name, metric)
			if ok && line == nil {
				line = append(line, strings.TrimSuffix(metric+", "+r.Unit, ", "))
			}
			line = append(line, cell(r, reference, ok))
		}
		lines = append(lines, pad(line, len(w.Contenders)+1))
	}
	return lines
}

// pad puts what is missing of a line between its name and its cells.
func pad(line []string, n int) []string {
	for len(line) < n {
		line = slices.Insert(line, 1, "")
	}
	return line
}

// cell shows a result, and in parentheses the reference's part of it: the same median of ratios that limits are for.
func cell(r, reference Result, ok bool) string {
	if !ok {
		return "–"
	}
	text := number(r.Median) + spread(r)
	if ratio := reference.Ratios[r.Contender]; ratio > 0 && r.Unit != "/s" { // of rates, more is better
		text += " (" + number(ratio) + ")"
	}
	return text
}

// spread shows how far the rounds are apart, if there was more than one: half of that, as a part of the median.
func spread(r Result) string {
	half := (r.Max - r.Min) / 2
	switch {
	case r.Rounds < 2:
		return ""
	case half == 0:
		return " ±0%"
	case r.Median == 0:
		return " ±" + number(half)
	default:
		return " ±" + strconv.Itoa(int(math.Round(100*half/math.Abs(r.Median)))) + "%"
	}
}

// metrics returns those of a workload, in the order in which they were reported.
func metrics(w workload.Workload, all *Results) (names []string) {
	for _, r := range all.Results {
		if r.Workload == w.Name && !slices.Contains(names, r.Metric) {
			names = append(names, r.Metric)
		}
	}
	return names
}

// number shows three digits that count.
func number(v float64) string {
	switch abs := math.Abs(v); {
	case v == math.Trunc(v) && abs < 1e6, abs >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case abs < 0.005:
		return "<0.01" // and not 0
	case abs >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
