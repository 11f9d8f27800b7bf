package kubectl_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a command may take, and how long a watch is waited for.
const patience = time.Minute

// runner runs the commands of one script.
type runner struct {
	t   *testing.T
	env []string
	out chan string // lines of the command in the background
}

// run runs a script against the server of a kubeconfig and returns it with what was printed.
func run(t *testing.T, s *script, kubeconfig string) *script {
	t.Helper()
	home := t.TempDir()
	data, err := os.ReadFile(kubeconfig)
	require.NoError(t, err)
	own := home + "/kubeconfig"
	require.NoError(t, os.WriteFile(own, data, 0o600))
	r := &runner{t: t, env: append(os.Environ(), "HOME="+home, "KUBECONFIG="+own, "KUBECTL_EXTERNAL_DIFF=diff -u", "TZ=UTC", "KUBE_EDITOR=false")}
	for _, prepare := range []string{"kubectl create namespace " + s.name, "kubectl config set-context --current --namespace=" + s.name} {
		_, code := r.command(prepare)
		require.Zero(t, code, prepare)
	}
	got := &script{name: s.name, title: s.title}
	for _, st := range s.steps {
		next := &step{before: st.before, line: st.line}
		command := strings.TrimSpace(st.line[1:])
		switch st.line[0] {
		case '$':
			printed, code := r.command(command)
			next.printed = normalise(printed)
			if code != 0 {
				next.printed = append(next.printed, fmt.Sprintf("[exit %d]", code))
			}
		default:
			if command != "" {
				r.begin(command)
			}
			next.printed = normalise(strings.Join(r.read(len(st.printed)), "\n"))
		}
		got.steps = append(got.steps, next)
	}
	return got
}

// command runs a command and returns what it prints, and its exit status.
func (r *runner) command(line string) (printed string, code int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	out, err := r.shell(ctx, line).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(out), exit.ExitCode()
	}
	require.NoError(r.t, err, line)
	return string(out), 0
}

func (r *runner) shell(ctx context.Context, line string) *exec.Cmd {
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Dir, command.Env, command.WaitDelay = "testdata/files", r.env, time.Second
	return command
}

// begin starts a command in the background, which ends with the test.
func (r *runner) begin(line string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	command := r.shell(ctx, "exec "+line)
	out, err := command.StdoutPipe()
	require.NoError(r.t, err)
	command.Stderr = command.Stdout
	require.NoError(r.t, command.Start())
	lines := make(chan string, 1000)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	})
	r.out = lines
	r.t.Cleanup(func() {
		cancel()
		reading.Wait()
		_ = command.Wait() // it was killed
	})
}

// read reads so many lines of the command in the background.
func (r *runner) read(n int) (lines []string) {
	r.t.Helper()
	for range n {
		select {
		case line, open := <-r.out:
			if !open {
				return append(lines, "[ended]")
			}
			lines = append(lines, line)
		case <-time.After(patience):
			return append(lines, "[nothing]")
		}
	}
	return lines
}

var (
	columns = regexp.MustCompile(`\S( {2,})`)
	changes = []struct {
		what *regexp.Regexp
		as   string
	}{
		{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
		{regexp.MustCompile(`[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}`), "TIME"},
		{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UID"},
		{regexp.MustCompile(`(resourceVersion: |Resource Version: +)"?\d+"?`), `${1}RV`},
		{regexp.MustCompile(`(^| |\()(\d+[ydhms])+( |$|\))`), "${1}AGE${3}"},
		{regexp.MustCompile(`/tmp/(LIVE|MERGED)-\d+/`), "$1/"},
		{regexp.MustCompile(`\t\d{4}-\d\d-\d\d .*$`), ""},               // of files that diff compares
		{regexp.MustCompile(` deleted from \S+ namespace`), " deleted"}, // which some versions add
		{regexp.MustCompile(`10\.\d+\.\d+\.\d+`), "IP"},
		{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
		{regexp.MustCompile(` +$`), ""},
	}
)

// normalise takes out of a text what differs from run to run, and the widths of columns with it.
func normalise(text string) (lines []string) {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		for _, change := range changes {
			line = change.what.ReplaceAllString(line, change.as)
		}
		line = columns.ReplaceAllStringFunc(line, func(found string) string { return found[:1] + "  " })
		lines = append(lines, line)
	}
	return lines
}
