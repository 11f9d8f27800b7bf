package main

import (
	"fmt"
	"strings"
	"time"
)

// line is one of the table.
const line = "%-17s %6s  %-52s %-10s %s\n"

func (r *runner) print(m mutant, res result) {
	fmt.Fprintf(r.out, line, res.what, fmt.Sprintf("%.1fs", res.took.Seconds()), m.Name, strings.Join(m.Kills, ","), res.by)
	if res.text != "" && (!res.passed || r.verbose) {
		fmt.Fprintf(r.out, "    %s\n", strings.ReplaceAll(res.text, "\n", "\n    "))
	}
}

// list prints the mutants.
func (r *runner) list() {
	for _, m := range r.mutants {
		fmt.Fprintf(r.out, "%-52s %-10s %s\n    %s\n", m.Name, strings.Join(m.Kills, ","), m.File, strings.TrimSpace(m.Why))
	}
}

func since(began time.Time) time.Duration { return time.Since(began).Round(100 * time.Millisecond) }
