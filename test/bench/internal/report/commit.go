package report

import (
	"slices"
	"strings"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// commits says what the tables of a page are of: a commit, or, if there are more, each with its workloads. What was not
// measured stays on the page.
func commits(all []workload.Workload, r *Results) string {
	var order []string
	of := map[string][]string{}
	for _, w := range all {
		commit := commitOf(w, r)
		if !slices.Contains(order, commit) {
			order = append(order, commit)
		}
		of[commit] = append(of[commit], w.Name)
	}
	if len(order) > 1 {
		for i, commit := range order {
			order[i] = commit + " (" + strings.Join(of[commit], ", ") + ")"
		}
	}
	return strings.Join(order, ", ")
}

func commitOf(w workload.Workload, r *Results) string {
	switch {
	case len(metrics(w, r)) == 0:
		return "an earlier run"
	case r.Commits[w.Name] == "":
		return "an unknown commit"
	default:
		return "commit " + r.Commits[w.Name]
	}
}
