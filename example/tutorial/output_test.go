package tutorial_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// chance has what differs from run to run, and between versions of kubectl.
var chance = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`), "TIME"},
	{regexp.MustCompile(`\S+_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "HOLDER"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`since \d\d:\d\d:\d\d`), "since TIME"},
	{regexp.MustCompile(`address=\S+`), "address=ADDRESS"},
	{regexp.MustCompile(`version=\S+`), "version=VERSION"},
	{regexp.MustCompile(`10\.\d+\.\d+\.\d+`), "IP"},
	{regexp.MustCompile(`https://127\.0\.0\.1:\d+`), "SERVER"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(ns|µs|ms|s|m|h))+\b|\(cached\)`), "DURATION"},
	{regexp.MustCompile(`\b(at|rv) \d+`), "$1 N"},
	{regexp.MustCompile(`( deleted) from \w+ namespace`), "$1"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

// lines returns the lines of an output that are not empty, without what differs from run to run.
func lines(output string) (all []string) {
	for line := range strings.Lines(output) {
		for _, c := range chance {
			line = c.pattern.ReplaceAllString(line, c.instead)
		}
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// same reports whether an output is what a page shows. A line … of the page stands for any lines.
func same(shown, got []string) bool {
	switch {
	case len(shown) == 0:
		return len(got) == 0
	case shown[0] == "…":
		for i := range len(got) + 1 {
			if same(shown[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && got[0] == shown[0] && same(shown[1:], got[1:])
}

// contains reports whether the lines that a page shows are among those of an output, in this order. A line … says
// that there are more.
func contains(shown, got []string) bool {
	shown = slices.DeleteFunc(slices.Clone(shown), func(line string) bool { return line == "…" })
	for _, line := range got {
		if len(shown) > 0 && line == shown[0] {
			shown = shown[1:]
		}
	}
	return len(shown) == 0
}

func TestOutputsAreCompared(t *testing.T) {
	require.True(t, same(lines("a  1s\n\nb"), lines("a 250ms\nb\n")))
	require.False(t, same(lines("a\nb"), lines("a\nb\nc")))
	require.False(t, same(lines("a\nb"), lines("a")))
	require.True(t, same(lines("a\n…\nc\n…"), lines("a\nb\nb\nc")))
	require.False(t, same(lines("a\n…\nc"), lines("a\nc\nd")))
	require.True(t, contains(lines("a\nc"), lines("a\nb\nc\nd")))
	require.True(t, contains(lines("…\na\n…\nd"), lines("a\nb\nd")))
	require.False(t, contains(lines("c\na"), lines("a\nb\nc\nd")))
}
