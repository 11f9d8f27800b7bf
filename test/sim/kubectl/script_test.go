package kubectl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// script is a file of commands and what they print.
//
//	# A comment.
//	$ kubectl get configmaps          run, with what it prints, and [exit 1] if it fails
//	& kubectl get configmaps -w       begin, and read as many lines as follow
//	&                                 read more lines of that
type script struct {
	name  string
	title string // the first comment
	steps []*step
}

type step struct {
	before  []string // comments and empty lines
	line    string   // as it is written
	printed []string
}

// load reads all scripts.
func load(t *testing.T) (all []*script) {
	t.Helper()
	files, err := filepath.Glob("testdata/scripts/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, parse(strings.TrimSuffix(filepath.Base(file), ".txt"), string(data)))
	}
	return all
}

func parse(name, text string) *script {
	s := &script{name: name}
	var before []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#") || line == "":
			if s.title == "" && line != "" {
				s.title = strings.TrimPrefix(line, "# ")
			}
			before = append(before, line)
		case strings.HasPrefix(line, "$ ") || line == "&" || strings.HasPrefix(line, "& "):
			s.steps = append(s.steps, &step{before: before, line: line})
			before = nil
		default:
			last := s.steps[len(s.steps)-1]
			last.printed = append(last.printed, strings.TrimPrefix(line, "  "))
		}
	}
	return s
}

// String is the file of a script.
func (s *script) String() string {
	var out strings.Builder
	for _, step := range s.steps {
		for _, line := range step.before {
			fmt.Fprintln(&out, line)
		}
		fmt.Fprintln(&out, step.line)
		for _, line := range step.printed {
			fmt.Fprintln(&out, "  "+line)
		}
	}
	return out.String()
}

// failed returns the exit status that a command is to have.
func (s *step) failed() int {
	if len(s.printed) == 0 {
		return 0
	}
	last := s.printed[len(s.printed)-1]
	code, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(last, "[exit "), "]"))
	if err != nil || !strings.HasPrefix(last, "[exit ") {
		return 0
	}
	return code
}
