package fuzz

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

var (
	version    = regexp.MustCompile(`\brv(\d+)`)
	generation = regexp.MustCompile(`\bgeneration (\d+)`)
	identity   = regexp.MustCompile(`\buid\d+|\$ns/\w+|[{\["].*`)
)

// signature tells divergences apart, roughly: in which step is the first line that differs, and
// how. A sequence is not shrunk to one with another signature, which would be of another cause.
func (d *Divergence) signature() string {
	for i, step := range d.Script.Steps {
		var got []string
		if i < len(d.Simulated.Steps) {
			got = d.Simulated.Steps[i].Answer
		}
		for j := range max(len(step.Answer), len(got)) {
			want, is := at(step.Answer, j), at(got, j)
			if want != is {
				verb, _, _ := strings.Cut(step.Command, " ")
				return strings.Join([]string{verb, shape(want), shape(is), order(version, want, is), order(generation, want, is)}, "\n")
			}
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// shape is what a line says without its numbers and values.
func shape(line string) string {
	line = version.ReplaceAllString(line, "rv")
	line = generation.ReplaceAllString(line, "generation")
	return identity.ReplaceAllString(line, "*")
}

// order says which of two lines has the greater number.
func order(pattern *regexp.Regexp, a, b string) string {
	return strconv.Itoa(cmp.Compare(number(pattern, a), number(pattern, b)))
}

func number(pattern *regexp.Regexp, line string) int {
	match := pattern.FindStringSubmatch(line)
	if match == nil {
		return -1
	}
	n, _ := strconv.Atoi(match[1])
	return n
}
