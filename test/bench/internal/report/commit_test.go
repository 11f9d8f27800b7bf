package report

import (
	"testing"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// TestCommits are told, with what is of each, if the tables of a page are not all of the same.
func TestCommits(t *testing.T) {
	all, r := []workload.Workload{{Name: "a"}, {Name: "b"}, {Name: "c"}}, &Results{}
	expect := func(want string) {
		t.Helper()
		if got := commits(all, r); got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
	measured := func(name, commit string) {
		samples := &Samples{Workload: name, Commit: commit}
		samples.Add(workload.Kuberator, []workload.Value{{Metric: "cpu", Value: 1}})
		r.Replace(name, samples)
	}
	expect("an earlier run")
	measured("a", "")
	measured("c", "")
	expect("an unknown commit (a, c), an earlier run (b)")
	measured("a", "123")
	measured("b", "123")
	measured("c", "456 with changes")
	expect("commit 123 (a, b), commit 456 with changes (c)")
	measured("c", "123")
	expect("commit 123")
	r.Machine.Cores++
	measured("a", "123")
	expect("commit 123 (a), an earlier run (b, c)")
}
