package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// outcome is what go test said of one package.
type outcome struct {
	failed   bool
	built    bool
	timedOut bool
	ran      int    // tests, those inside others not counted
	by       string // the first test that failed
	text     string // what it said, or the compiler
}

// event is a line of go test -json.
type event struct {
	Action, Test, Output, FailedBuild string
}

// goTest runs the tests, with the files of the overlay in the place of those of the
// module. Without an overlay that is the module as it is.
func goTest(ctx context.Context, module, overlay string, s selection, timeout time.Duration) (outcome, error) {
	args := []string{
		"test", "-json", "-count=1", "-failfast", "-vet=off", "-timeout=" + timeout.String(),
		"-run=^(" + s.Run + ")$",
	}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, s.Package)...)
	cmd.Dir, cmd.Env = module, os.Environ()
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		cmd.Env = append(cmd.Env, name+"="+s.Env[name])
	}
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if ctx.Err() != nil {
		return outcome{}, ctx.Err()
	}
	o := read(stdout)
	exit := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return o, nil
	case !errors.As(err, &exit):
		return o, err
	case !o.failed: // it did not come as far as the tests
		return o, fmt.Errorf("go test %s: %w\n%s", s.Package, err, firstLines(stderr.String()))
	}
	return o, nil
}

// read reads the events of go test -json.
func read(stdout []byte) outcome {
	o, said := outcome{built: true}, map[string]*strings.Builder{}
	var running []string
	var compiler strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(stdout))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		test, _, _ := strings.Cut(e.Test, "/")
		switch e.Action {
		case "run":
			if e.Test == test {
				o.ran++
				running = append(running, test)
			}
		case "pass", "skip":
			running = slices.DeleteFunc(running, func(name string) bool { return name == e.Test })
		case "fail":
			o.failed = true
			o.built = o.built && e.FailedBuild == ""
			if o.by == "" {
				o.by = test
			}
		case "build-output":
			compiler.WriteString(e.Output)
		case "output":
			o.timedOut = o.timedOut || strings.HasPrefix(e.Output, "panic: test timed out after")
			note(said, test, e.Output)
		}
	}
	if o.by == "" && len(running) > 0 {
		o.by = running[0] // it took the process with it
	}
	switch text := said[o.by]; {
	case !o.built:
		o.text = firstLines(compiler.String())
	case text != nil:
		o.text = firstLines(text.String())
	}
	return o
}

// note keeps what a test said, without the frame that go test puts around it.
func note(said map[string]*strings.Builder, test, line string) {
	for _, frame := range []string{"=== RUN", "=== PAUSE", "=== CONT", "--- FAIL", "--- PASS"} {
		if strings.HasPrefix(strings.TrimSpace(line), frame) {
			return
		}
	}
	if said[test] == nil {
		said[test] = &strings.Builder{}
	}
	said[test].WriteString(line)
}

// firstLines is what of a long text is worth reading: the beginning.
func firstLines(text string) string {
	const most = 20
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	return strings.Join(lines, "\n")
}
