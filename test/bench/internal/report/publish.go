package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// Publish writes all results into the page performance.md of a folder, between the comments that name them, and the
// charts into its folder images.
func Publish(dir string, all *Results) error {
	path := filepath.Join(dir, "performance.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page := string(raw)
	if page, err = between(page, "machine", all.Machine.String()+"."); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range workload.All() {
		if len(metrics(w, all)) == 0 {
			continue
		}
		if page, err = between(page, w.Name, markdown(head(w), body(w, all))); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		chart := filepath.Join(dir, "images", "bench-"+w.Name+".svg")
		if err := os.WriteFile(chart, []byte(Chart(w, all)), 0o644); err != nil { //nolint:gosec // a picture for everybody
			return err
		}
	}
	if page, err = between(page, "bars", markdown([]string{"", "measured", "at most", ""}, verdicts(workload.All(), all))); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(page), 0o644) //nolint:gosec // a page for everybody
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
	var out strings.Builder
	row := func(cells []string) { fmt.Fprintln(&out, "| "+strings.Join(cells, " | ")+" |") }
	row(head)
	fmt.Fprintln(&out, "|---|"+strings.Repeat("---:|", len(head)-1))
	for _, line := range lines {
		row(line)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
