package conform

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Script is a sequence of steps with the answers that belong to them.
type Script struct {
	// Name is the name of the file without its directory and suffix.
	Name string

	// Steps are in the order in which they are taken.
	Steps []Step

	tail []string // comments and empty lines after the last step
}

// Step is one request, or one look at a watch.
type Step struct {
	// Line is the number of the step's first line in its file.
	Line int

	// Command is the step's first line as it was written.
	Command string

	// Answer holds the lines of the answer, without the mark they have in the file.
	Answer []string

	before  []string // comments and empty lines above the step
	headers []string
	body    []string
	parsed  command
}

const (
	suffix     = ".txt"
	answerMark = "< "
	bodyMark   = "  "
)

// Load reads all scripts of a directory.
func Load(files fs.FS, directory string) ([]*Script, error) {
	names, err := fs.Glob(files, path.Join(directory, "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("loading scripts: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("loading scripts: there is no *%s in %s", suffix, directory)
	}
	var scripts []*Script
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("loading scripts: %w", err)
		}
		script, err := Parse(path.Base(name), string(text))
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, script)
	}
	return scripts, nil
}

// String returns the text of the script's file.
func (s *Script) String() string {
	var lines []string
	for _, step := range s.Steps {
		lines = append(lines, step.before...)
		lines = append(lines, step.Command)
		lines = append(lines, step.headers...)
		lines = append(lines, step.body...)
		for _, line := range step.Answer {
			lines = append(lines, answerMark+line)
		}
	}
	lines = append(lines, s.tail...)
	return strings.Join(lines, "\n") + "\n"
}

// Differences describes every step that another run of s answered otherwise. The
// answers of s are the right ones.
func (s *Script) Differences(other *Script) []string {
	var found []string
	for i, step := range s.Steps {
		if i >= len(other.Steps) {
			return append(found, s.place(step)+": "+step.Command+"\nwas not reached")
		}
		want, got := strings.Join(step.Answer, "\n  "), strings.Join(other.Steps[i].Answer, "\n  ")
		if want != got {
			found = append(found, fmt.Sprintf("%s: %s\nwant:\n  %s\ngot:\n  %s", s.place(step), step.Command, want, got))
		}
	}
	return found
}

// place names a step for people.
func (s *Script) place(step Step) string { return fmt.Sprintf("%s%s:%d", s.Name, suffix, step.Line) }
