package conform

import (
	"fmt"
	"regexp"
	"strings"
)

var header = regexp.MustCompile(`^[A-Za-z-]+: `)

// Parse reads the text of a script's file.
//
// # Errors
//
// An error names the file and the line. A script is refused if it does not begin
// with a comment, and if a step, an option or a placeholder is unknown, so that no
// mistake of a script looks like an answer of a server.
func Parse(file, text string) (*Script, error) {
	p := &parser{script: &Script{Name: strings.TrimSuffix(file, suffix)}, known: newNames()}
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if err := p.line(i+1, line); err != nil {
			return nil, fmt.Errorf("parsing script %s:%d: %w", file, i+1, err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("parsing script %s:%d: %w", file, p.lastLine(), err)
	}
	p.script.tail = p.pending
	return p.script, nil
}

// parser holds the script as far as it has been read.
type parser struct {
	script  *Script
	current *Step
	pending []string // comments and empty lines that belong to what follows
	known   *names
}

func (p *parser) line(number int, line string) error {
	if number == 1 && !strings.HasPrefix(line, "# ") {
		return fmt.Errorf("a script begins with a comment that says what it shows, not with %q", line)
	}
	switch {
	case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		p.pending = append(p.pending, strings.TrimRight(line, " \t"))
		return nil
	case strings.HasPrefix(line, answerMark):
		return p.part("an answer", func(s *Step) { s.Answer = append(s.Answer, strings.TrimPrefix(line, answerMark)) })
	case strings.HasPrefix(line, bodyMark):
		return p.request("a body", func(s *Step) { s.body = append(s.body, line) })
	case header.MatchString(line):
		return p.request("a header", func(s *Step) { s.headers = append(s.headers, line) })
	default:
		return p.step(number, line)
	}
}

// part adds to the current step.
func (p *parser) part(what string, add func(*Step)) error {
	if p.current == nil {
		return fmt.Errorf("%s belongs to a step, and there is none above it", what)
	}
	if len(p.pending) > 0 {
		return fmt.Errorf("%s follows its step at once, without empty lines and comments between", what)
	}
	add(p.current)
	return nil
}

// request adds to what the current step sends.
func (p *parser) request(what string, add func(*Step)) error {
	if p.current != nil && len(p.current.Answer) > 0 {
		return fmt.Errorf("%s stands above the answer", what)
	}
	if p.current != nil && !p.current.parsed.sends() {
		return fmt.Errorf("%s does not belong to the step %q, which sends nothing", what, p.current.parsed.verb)
	}
	return p.part(what, add)
}

func (p *parser) step(number int, line string) error {
	if err := p.finish(); err != nil {
		return err
	}
	parsed, err := parseCommand(line)
	if err != nil {
		return err
	}
	p.current = &Step{Line: number, Command: line, before: p.pending, parsed: parsed}
	p.pending = nil
	return nil
}

// finish checks the current step, now that all of it is known, and adds it.
func (p *parser) finish() error {
	if p.current == nil {
		return nil
	}
	step := *p.current
	if step.parsed.needsBody() && len(step.body) == 0 {
		return fmt.Errorf("the step %q has no body; body=none sends none", step.Command)
	}
	if step.parsed.noBody && len(step.body) > 0 {
		return fmt.Errorf("the step %q says body=none and has a body", step.Command)
	}
	if err := p.known.check(&step); err != nil {
		return err
	}
	p.script.Steps = append(p.script.Steps, step)
	p.current = nil
	return nil
}

func (p *parser) lastLine() int {
	if p.current != nil {
		return p.current.Line
	}
	return 1
}
