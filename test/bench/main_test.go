package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	// The caches of client-go, and of controller-runtime, then end the process of a contender that changes what they hold.
	if err := os.Setenv("KUBE_CACHE_MUTATION_DETECTOR", "true"); err != nil {
		panic(err)
	}
	m.Run()
}

// TestEveryWorkload does a little of each, with all contenders: all work, and what is counted is what was promised.
func TestEveryWorkload(t *testing.T) {
	for _, w := range workload.All() {
		t.Run(w.Name, func(t *testing.T) {
			results := filepath.Join(t.TempDir(), "results.json")
			args := []string{"-short", "-strict", "-workload", w.Name, "-commit", "abc with changes", "-results", results}
			if err := bench(t.Context(), args, t.Output(), t.Output()); err != nil {
				t.Error(err)
			}
			if all, err := report.Read(results); err != nil || all.Commits[w.Name] != "abc with changes" {
				t.Error("the results are of the commit", all.Commits, err)
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
	all := measured(func(w workload.Workload) int { return w.Turns() }, false)
	if err := report.Publish(filepath.Join(dir, "docs"), all); err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile(filepath.Join(dir, "docs/performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(published), ", commit abc.\n<!-- end machine -->") {
		t.Error("the page does not name the commit")
	}
	for i, w := range workload.All() {
		if !regexp.MustCompile(`\| ` + regexp.QuoteMeta(w.Chart[0]) + `, µs \| ` + strconv.Itoa(100000*i+1) + `( ±0%)? \|`).Match(published) {
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

// measured are invented results of all workloads, of so many rounds.
func measured(rounds func(w workload.Workload) int, partial bool) *report.Results {
	all := &report.Results{}
	for i, w := range workload.All() {
		samples := &report.Samples{Workload: w.Name, Commit: "abc", Partial: partial}
		for range rounds(w) {
			for j, c := range w.Contenders {
				for k, metric := range w.Chart {
					samples.Add(c.Name, []workload.Value{{Metric: metric, Unit: "µs", Value: float64(100000*i + 1000*j + k + 1)}})
				}
			}
		}
		all.Replace(w.Name, samples)
	}
	return all
}

// TestPartialIsNotPublished: not what is asked for, and not what is in the file.
func TestPartialIsNotPublished(t *testing.T) {
	for _, args := range []string{"-short", "-rounds=1", "-contender=kuberator", "-cpuprofile=x"} {
		err := bench(t.Context(), []string{"-workload=loop", "-publish=" + t.TempDir(), args}, t.Output(), t.Output())
		if err == nil || !strings.Contains(err.Error(), "all contenders and rounds") {
			t.Errorf("%s: %v", args, err)
		}
		a, err := parse([]string{"-workload=loop", args}, t.Output())
		if err != nil || a.results != "" {
			t.Errorf("%s: the results are kept in %q: %v", args, a.results, err)
		}
	}
	if a, err := parse([]string{"-workload=loop", "-rounds=7"}, t.Output()); err != nil || a.results != "results.json" {
		t.Error("more rounds:", a.results, err)
	}
	turns := func(w workload.Workload) int { return w.Turns() }
	others := measured(turns, false)
	others.Results = slices.DeleteFunc(others.Results, func(r report.Result) bool { return r.Contender == workload.Floor })
	for want, all := range map[string]*report.Results{
		"loop was not measured in full":  measured(turns, true),
		"has 1 rounds of kuberator":      measured(func(workload.Workload) int { return 1 }, false),
		"loop has 0 rounds of client-go": others,
	} {
		if err := report.Publish(t.TempDir(), all); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestPublishOfSome keeps what the page has of other workloads.
func TestPublishOfSome(t *testing.T) {
	dir := t.TempDir()
	docs := filepath.Join(dir, "docs")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	page = regexp.MustCompile(`(?s)<!-- begin bars -->.*<!-- end bars -->`).ReplaceAll(page,
		[]byte("<!-- begin bars -->\n| loop, cpu | 77 | 88 | missed |\n| events, cpu | 55 | 66 | holds |\n<!-- end bars -->"))
	err = errors.Join(os.MkdirAll(filepath.Join(docs, "images"), 0o700),
		os.WriteFile(filepath.Join(dir, "README.md"), readme, 0o600), os.WriteFile(filepath.Join(docs, "performance.md"), page, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	all := measured(func(w workload.Workload) int { return w.Turns() }, false)
	all.Results = slices.DeleteFunc(all.Results, func(r report.Result) bool { return r.Workload != "loop" })
	if err := report.Publish(docs, all); err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(published); strings.Contains(text, "| 77 |") || !strings.Contains(text, "\n| events, cpu | 55 | 66 | holds |\n") {
		t.Error("the limits of loop are new, and those of events are the old ones", text)
	}
}

// TestWrongArguments says what is wrong, and measures nothing.
func TestWrongArguments(t *testing.T) {
	for args, want := range map[string]string{
		"-workload=loop,nope":                      `no workload "nope", but loop, events,`,
		"-workload=loop -contender=nope":           `no contender "nope", but client-go, controller-runtime,`,
		"-rounds=-1":                               "-1 rounds",
		"-cluster=nope":                            `not "nope"`,
		"-workload=loop -cluster=local":            "loop has no API server",
		"-cluster=local -publish=x":                "on the simulator",
		"-render -results=nothing.json -publish=x": "there are no results",
	} {
		if err := bench(t.Context(), strings.Fields(args), t.Output(), t.Output()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	if a, err := parse([]string{"-workload", "loop, events,"}, t.Output()); err != nil || len(a.chosen) != 2 {
		t.Error("a list as people write it:", len(a.chosen), err)
	}
}

// TestContendersAreNamedOnce: two of a name would be one column.
func TestContendersAreNamedOnce(t *testing.T) {
	for _, w := range workload.All() {
		names := map[string]bool{}
		for _, c := range w.Contenders {
			if names[c.Name] {
				t.Errorf("workload %s has two of %s", w.Name, c.Name)
			}
			names[c.Name] = true
		}
	}
}

// TestInTurn sees that nobody is always earlier than another, nor always next to the same ones.
func TestInTurn(t *testing.T) {
	var rounds []string
	for round := range 5 {
		rounds = append(rounds, strings.Join(inTurn([]string{"a", "b", "c", "d"}, round), ""))
	}
	if got := strings.Join(rounds, " "); got != "abdc cdba bcad dacb cdba" {
		t.Error(got)
	}
}

// TestRatios are each other's inverse, and the spread of what was measured more than once is shown.
func TestRatios(t *testing.T) {
	w := workload.Workload{Name: "w", Contenders: []workload.Contender{{Name: "a"}, {Name: "b"}}}
	samples, all := &report.Samples{Workload: w.Name}, &report.Results{}
	for _, of := range []float64{1, 4} {
		samples.Add("a", []workload.Value{{Metric: "cpu", Value: of}, {Metric: "looks", Value: 3}})
		samples.Add("b", []workload.Value{{Metric: "cpu", Value: 1}})
	}
	samples.Add("a", []workload.Value{{Metric: "once", Value: 7}})
	all.Replace(w.Name, samples)
	a, _ := all.Find("w", "a", "cpu")
	b, _ := all.Find("w", "b", "cpu")
	if a.Ratios["b"] != 2 || b.Ratios["a"] != 0.5 {
		t.Errorf("%v, %v", a.Ratios, b.Ratios)
	}
	table := strings.Join(strings.Fields(report.Table(w, all)), " ")
	for _, want := range []string{"cpu 2.50 ±60% 1 ±0% (2)", "looks 3 ±0% –", "once 7 –", "2 rounds."} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in %s", want, table)
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
	if strings.Contains(string(got), "\nold\n") {
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
