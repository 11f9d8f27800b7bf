package fuzz

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kuberator/kuberator/test/conform"
)

// masks are parts of answers that differ between runs of one server too.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	// Services get addresses that are free.
	{regexp.MustCompile(`\b10\.\d+\.\d+\.\d+\b`), "ADDRESS"},
	// A default that this type does not have is shown in a watch if there are several of them.
	{regexp.MustCompile(`"internalTrafficPolicy":"Cluster",(.*"type":"ExternalName")`), "${1}"},
	// Messages tell resource versions.
	{regexp.MustCompile(`(ersion[^"]*?)\b\d{3,}\b`), "${1}VERSION"},
}

// exclusion is something in which the simulator is known to differ: a row of the table in its
// README.
type exclusion struct {
	name    string
	of      func(step conform.Step) bool
	without func(line string) bool // a line that is not compared
}

var exclusions = []exclusion{
	{
		name:    "warnings about Pod templates", // that two containers have the same port, for instance
		of:      func(step conform.Step) bool { return strings.Contains(step.Command, deployment.collection) },
		without: func(line string) bool { return strings.Contains(line, " warning") },
	},
}

// masked takes from answers what is not compared.
func masked(script *conform.Script) {
	for i := range script.Steps {
		step := &script.Steps[i]
		for _, e := range exclusions {
			if e.of(*step) {
				step.Answer = slices.DeleteFunc(step.Answer, e.without)
			}
		}
		for j, line := range step.Answer {
			for _, mask := range masks {
				line = mask.pattern.ReplaceAllString(line, mask.with)
			}
			step.Answer[j] = line
		}
	}
}
