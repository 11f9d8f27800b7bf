package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kuberator/kuberator/test/bench/internal/report"
	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// TestMain makes this program the process of a contender, if it was started for that.
func TestMain(m *testing.M) {
	if os.Getenv(envTask) != "" {
		main()
		return
	}
	m.Run()
}

// TestEveryWorkload does a little of each, with all contenders: all work, and what is counted is what was promised.
func TestEveryWorkload(t *testing.T) {
	for _, w := range workload.All() {
		t.Run(w.Name, func(t *testing.T) {
			if err := bench(t.Context(), []string{"-short", "-strict", "-workload", w.Name, "-results", filepath.Join(t.TempDir(), "results.json")}, t.Output(), t.Output()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPublish checks that the page has a place for each table, and that there is a chart for each workload.
func TestPublish(t *testing.T) {
	dir := t.TempDir()
	for _, page := range []string{"README.md", "docs/performance.md"} {
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "docs/images"), 0o700), os.WriteFile(filepath.Join(dir, page), text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	all := &report.Results{}
	for i, w := range workload.All() {
		samples := &report.Samples{Workload: w.Name}
		for j, c := range w.Contenders {
			for k, metric := range w.Chart {
				samples.Add(c.Name, []workload.Value{{Metric: metric, Unit: "µs", Value: float64(100000*i + 1000*j + k + 1)}})
			}
		}
		all.Replace(w.Name, samples)
	}
	if err := report.Publish(filepath.Join(dir, "docs"), all); err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile(filepath.Join(dir, "docs/performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range workload.All() {
		if !strings.Contains(string(published), "| "+w.Chart[0]+", µs | "+strconv.Itoa(100000*i+1)+" |") {
			t.Errorf("the page has no results of %s", w.Name)
		}
		chart, err := os.ReadFile(filepath.Join(dir, "docs/images", "bench-"+w.Name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(chart, new(struct{})); err != nil {
			t.Errorf("the chart of %s: %v", w.Name, err)
		}
		for _, c := range w.Contenders {
			if !bytes.Contains(chart, []byte(">"+c.Name+"</text>")) {
				t.Errorf("the chart of %s has no %s", w.Name, c.Name)
			}
		}
	}
}

// TestPublishedFigures are those of the README, and change with the results.
func TestPublishedFigures(t *testing.T) {
	dir := t.TempDir()
	readme := filepath.Join(dir, "README.md")
	if err := os.WriteFile(readme, []byte("a\n<!-- begin figures -->\nold\n<!-- end figures -->\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := &report.Results{}
	for i, name := range []string{"converge", "memory", "failover", "loop"} {
		samples := &report.Samples{Workload: name}
		for _, c := range []string{workload.Kuberator, workload.Floor, workload.Peer, workload.Tuned} {
			samples.Add(c, []workload.Value{
				{Metric: "cpu", Unit: "µs", Value: 500}, {Metric: "clock", Unit: "µs", Value: 700}, {Metric: "writes", Unit: "/object", Value: 2},
				{Metric: "typed 20k", Unit: "B", Value: 2400}, {Metric: "SIGTERM", Unit: "ms", Value: float64(90 + i)},
			})
		}
		all.Replace(name, samples)
	}
	if err := report.PublishFigures(readme, all); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a\n", "| 500 µs | 500 µs |", "| 2 | 2 |", "| 2400 B | 2400 B |", "| 92 ms |", "\nb\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Error("the old figures are still there")
	}
}

// TestABarThatIsMissed is told, with what was measured; a count already by one round of many.
func TestABarThatIsMissed(t *testing.T) {
	w := workload.Workload{Name: "w", Contenders: []workload.Contender{{Name: workload.Kuberator}, {Name: workload.Floor}}, Bars: []workload.Bar{
		{Metric: "cpu", Against: workload.Floor, AtMost: 1.5},
		{Metric: "writes", AtMost: 2, Count: true},
		{Metric: "nobody measured it", AtMost: 1},
	}}
	measured := func(cpu, writes float64) *report.Results {
		samples, all := &report.Samples{Workload: w.Name}, &report.Results{}
		for _, factor := range []float64{1, 1, 10} {
			samples.Add(workload.Floor, []workload.Value{{Metric: "cpu", Value: factor}})
			samples.Add(workload.Kuberator, []workload.Value{{Metric: "cpu", Value: cpu * factor}, {Metric: "writes", Value: 2}})
		}
		samples.Add(workload.Kuberator, []workload.Value{{Metric: "writes", Value: writes}})
		all.Replace(w.Name, samples)
		return all
	}
	for what, test := range map[string]struct {
		all  *report.Results
		want string
	}{
		"holds":  {measured(1.5, 2), "w, nobody measured it is 0, at most 1"},
		"missed": {measured(1.6, 2.1), "w, cpu, of client-go's is 1.60, at most 1.50; w, writes is 2.10, at most 2; w, nobody measured it is 0, at most 1"},
	} {
		if got := strings.Join(report.Missed([]workload.Workload{w}, test.all, false), "; "); got != test.want {
			t.Errorf("%s: %s", what, got)
		}
	}
	if got := report.Missed([]workload.Workload{w}, measured(9, 2.1), true); len(got) != 1 {
		t.Error("of counts only:", got)
	}
}

// TestWrongArguments names what there is.
func TestWrongArguments(t *testing.T) {
	err := bench(t.Context(), []string{"-workload", "lop"}, t.Output(), t.Output())
	if err == nil || !strings.Contains(err.Error(), `no workload "lop", but loop, `) {
		t.Error(err)
	}
}
