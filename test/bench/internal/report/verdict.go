package report

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// verdict is what became of a bar.
type verdict struct {
	what           string
	measured, most float64
	ok             bool
	known          bool
}

func judge(w workload.Workload, b workload.Bar, all *Results) verdict {
	v := verdict{what: w.Name + ", " + b.Metric, most: b.AtMost}
	if b.Contender != "" {
		v.what += " of " + b.Contender
	}
	r, ok := all.Find(w.Name, b.Judged(), b.Metric)
	if b.Against == "" {
		v.measured, v.known = r.Median, ok
		if b.Count {
			v.measured = r.Max
		}
	} else {
		v.what += ", of " + b.Against + "'s"
		v.measured, v.known = r.Ratios[b.Against], ok && r.Ratios[b.Against] > 0
	}
	v.ok = v.known && v.measured <= v.most
	return v
}

// Verdicts shows which bars hold.
func Verdicts(of []workload.Workload, all *Results) string {
	var out strings.Builder
	tabs := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tabs, "\tmeasured\tat most\t")
	for _, line := range verdicts(of, all) {
		fmt.Fprintln(tabs, strings.Join(line, "\t"))
	}
	_ = tabs.Flush()
	return out.String()
}

func verdicts(of []workload.Workload, all *Results) (lines [][]string) {
	for _, w := range of {
		for _, b := range w.Bars {
			v := judge(w, b, all)
			word, measured := "not measured", "–"
			if v.known {
				word, measured = "missed", number(v.measured)
			}
			if v.ok {
				word = "holds"
			}
			lines = append(lines, []string{v.what, measured, number(v.most), word})
		}
	}
	return lines
}

// Missed names the bars that do not hold, of counts only if the rest was not measured in full.
func Missed(of []workload.Workload, all *Results, countsOnly bool) (names []string) {
	for _, w := range of {
		for _, b := range w.Bars {
			if v := judge(w, b, all); !v.ok && (b.Count || !countsOnly) {
				names = append(names, fmt.Sprintf("%s is %s, at most %s", v.what, number(v.measured), number(v.most)))
			}
		}
	}
	return names
}
