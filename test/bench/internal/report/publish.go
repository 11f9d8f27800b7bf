package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// figures are those that README.md shows.
var figures = []struct{ label, workload, metric string }{
	{"a new object gets a finalizer and a status: processor time", "converge", "cpu"},
	{"the same: time on the clock", "converge", "clock"},
	{"the same: requests that write", "converge", "writes"},
	{"an object is enqueued, and nothing is to be done: processor time", "loop", "cpu"},
	{"memory for each of 20,000 objects of 2 kB", "memory", "typed 20k"},
	{"from SIGTERM to the next `Apply` of another replica (kubebuilder scaffolds the release of the lease as a comment)", "failover", "SIGTERM"},
}

// contenders are those of [figures].
var contenders = []string{workload.Kuberator, workload.Floor, workload.Peer, workload.Tuned}

// Publish writes all results into the page performance.md of a folder, between the comments that name them, the
// charts into its folder images, and some figures into the README beside the folder.
//
// It refuses if a workload is among the results that was not measured with all contenders, as often as it asks for, and in
// full. Of workloads that are not among them, the page keeps what it has.
func Publish(dir string, all *Results) error {
	if len(all.Results) == 0 {
		return errors.New("publish: there are no results")
	}
	for _, w := range workload.All() {
		if err := complete(w, all); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return errors.Join(publishPage(dir, all), PublishFigures(filepath.Join(dir, "..", "README.md"), all))
}

// complete tells what is missing of a workload, if it was measured.
func complete(w workload.Workload, all *Results) error {
	rounds := map[string]int{}
	for _, r := range all.Results {
		if r.Workload != w.Name {
			continue
		}
		if r.Partial {
			return fmt.Errorf("workload %s was not measured in full", w.Name)
		}
		rounds[r.Contender] = max(rounds[r.Contender], r.Rounds)
	}
	for _, c := range w.Contenders {
		if have := rounds[c.Name]; len(rounds) > 0 && have < w.Turns() {
			return fmt.Errorf("workload %s has %d rounds of %s, and asks for %d", w.Name, have, c.Name, w.Turns())
		}
	}
	return nil
}

// PublishFigures writes the figures of the README, if all were measured.
func PublishFigures(path string, all *Results) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var lines [][]string
	for _, f := range figures {
		line := []string{f.label}
		for _, name := range contenders {
			r, ok := all.Find(f.workload, name, f.metric)
			if !ok {
				return nil // it was not measured
			}
			line = append(line, strings.TrimSpace(number(r.Median)+" "+strings.TrimPrefix(r.Unit, "/object")))
		}
		lines = append(lines, line)
	}
	page, err := between(string(raw), "figures", markdown(append([]string{""}, contenders...), lines))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(page), 0o644) //nolint:gosec // a page for everybody
}

func publishPage(dir string, all *Results) error {
	path := filepath.Join(dir, "performance.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page := string(raw)
	if page, err = between(page, "machine", all.Machine.String()+", "+commits(workload.All(), all)+"."); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range workload.All() {
		if len(metrics(w, all)) == 0 {
			continue
		}
		if page, err = between(page, w.Name, markdown(head(w), body(w, all))+"\n\n"+rounds(w, all)+"\n\n!["+w.Name+", as bars](images/bench-"+w.Name+".svg)"); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		chart := filepath.Join(dir, "images", "bench-"+w.Name+".svg")
		if err := os.WriteFile(chart, []byte(Chart(w, all)), 0o644); err != nil { //nolint:gosec // a picture for everybody
			return err
		}
	}
	if page, err = between(page, "bars", bars(page, all)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(page), 0o644) //nolint:gosec // a page for everybody
}

// bars shows which bars hold, and keeps the lines of a page that are of workloads that were not measured.
func bars(page string, all *Results) string {
	table := markdown([]string{"", "measured", "at most", ""}, nil)
	for _, w := range workload.All() {
		if len(metrics(w, all)) > 0 {
			for _, line := range verdicts([]workload.Workload{w}, all) {
				table += "\n" + row(line)
			}
			continue
		}
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "| "+w.Name+", ") {
				table += "\n" + strings.TrimSpace(line)
			}
		}
	}
	return table
}

// between replaces what stands between two comments with that name.
func between(page, name, text string) (string, error) {
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, found := strings.Cut(rest, end)
	if !ok || !found {
		return "", fmt.Errorf("%q and %q are not there", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + text + "\n" + end + after, nil
}

func markdown(head []string, lines [][]string) string {
	table := row(head) + "\n|---|" + strings.Repeat("---:|", len(head)-1)
	for _, line := range lines {
		table += "\n" + row(line)
	}
	return table
}

func row(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }
