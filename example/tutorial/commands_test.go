package tutorial_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheCommandsOfTheTutorial does what the pages say, in an empty folder, and finds what they show. It takes minutes.
func TestTheCommandsOfTheTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs every command of the tutorial")
	}
	for _, program := range []string{"kubectl", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the tutorial needs %s", program)
		}
	}
	r := newReader(t)
	for i, page := range pages(t) {
		for _, p := range page {
			r.follow(p)
		}
		step := fmt.Sprint("step", i+1)
		for _, path := range tree(t, r.dir) {
			if i == 5 || !generated(path) { // the manifests of the last page are as package operator makes them
				continue
			}
			text, err := os.ReadFile(filepath.Join(r.dir, path))
			require.NoError(t, err)
			compare(t, filepath.Join(step, path), string(text))
		}
	}
}

// reader follows the tutorial.
type reader struct {
	t         *testing.T
	dir       string // where the reader is
	env       []string
	terminals map[int]*running
	ports     *strings.Replacer
}

func newReader(t *testing.T) *reader {
	t.Helper()
	ports := map[string]string{}
	var replaced []string
	for _, port := range []string{"8053", "8081", "8082", "8443"} {
		ports[port] = free(t)
		replaced = append(replaced, port, ports[port])
	}
	return &reader{
		t: t, dir: t.TempDir(), terminals: map[int]*running{}, ports: strings.NewReplacer(replaced...),
		// The defaults of the operator are ports that another program of the machine may have.
		env: append(os.Environ(), "WEBSITE_HEALTH_ADDR=127.0.0.1:"+ports["8081"], "WEBSITE_METRICS_ADDR=127.0.0.1:"+ports["8443"],
			"WEBSITE_DNS_URL=http://127.0.0.1:"+ports["8053"], "GOWORK=off", "GOFLAGS=-ldflags=-w -vet=off", // to link and to test in less time
			"KUBE_CACHE_MUTATION_DETECTOR="), // which says so in each output
	}
}

// free returns a port that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

// follow does what a piece of a page says.
func (r *reader) follow(p *piece) {
	r.t.Helper()
	begin := time.Now()
	switch {
	case p.file != "":
		r.write(p)
		return
	case p.stop != 0:
		require.NotNil(r.t, r.terminals[p.stop], p.where)
		r.terminals[p.stop].interrupt(r.t)
	case p.shown != "":
		r.await(p, r.terminals[p.terminal], p.shown)
	case p.terminal == 1:
		r.run(p)
	default:
		r.begin(p)
	}
	r.t.Logf("%6.1f s  %s: %s%s", time.Since(begin).Seconds(), p.where[:6], strings.TrimSpace(strings.Join(p.commands, "; ")), p.shown)
}

func (r *reader) write(p *piece) {
	r.t.Helper()
	path := filepath.Join(r.dir, p.file)
	files := map[string]string{}
	if text, err := os.ReadFile(path); err == nil {
		files[p.file] = string(text)
	}
	change(r.t, files, p)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(r.t, os.WriteFile(path, []byte(files[p.file]), 0o600))
}

// begin starts the last command of a piece, in a terminal of its own.
func (r *reader) begin(p *piece) {
	r.t.Helper()
	for _, command := range p.commands {
		if command = r.prepare(command); command != "" {
			if before := r.terminals[p.terminal]; before != nil {
				select {
				case <-before.ended:
				default:
					require.Fail(r.t, "there is a program in this terminal", p.where)
				}
			}
			r.terminals[p.terminal] = start(r.t, r.shell("exec "+command))
		}
	}
	if p.output != "" {
		r.await(p, r.terminals[p.terminal], p.output)
	}
}

// await waits until a terminal shows what the page does.
func (r *reader) await(p *piece, terminal *running, shown string) {
	r.t.Helper()
	require.NotNil(r.t, terminal, p.where)
	want := lines(r.ports.Replace(shown))
	deadline := time.Now().Add(patience)
	for !contains(want, lines(terminal.screen.String())) {
		require.True(r.t, time.Now().Before(deadline), "%s: in the terminal there is\n%s\nand not\n%s", p.where, &terminal.screen, shown)
		select {
		case <-terminal.ended:
			require.True(r.t, contains(want, lines(terminal.screen.String())), "%s: it has ended:\n%s", p.where, &terminal.screen)
		case <-time.After(50 * time.Millisecond): // a look at a screen
		}
	}
}

var (
	// reads are commands that a reader repeats when it takes a moment until they show what the page does.
	reads = regexp.MustCompile(`^(kubectl get|kubectl events|curl) `)
	// fails is the output of a command that is meant to fail.
	fails = regexp.MustCompile(`(?m)^(FAIL$|The Website .* is invalid)`)
	// without a cluster these have nothing to do, or no end.
	clusterOnly = regexp.MustCompile(`^docker |rollout status|port-forward| get lease | wait `)
)

// run runs commands to their ends.
func (r *reader) run(p *piece) {
	r.t.Helper()
	var commands, outputs []string
	for _, command := range p.commands {
		if p.cluster && clusterOnly.MatchString(command) {
			continue
		}
		if command = r.prepare(command); command != "" {
			commands = append(commands, command)
			outputs = append(outputs, r.one(p, command))
		}
	}
	if p.output == "" {
		return
	}
	want, deadline := lines(r.ports.Replace(p.output)), time.Now().Add(patience)
	for !same(want, lines(strings.Join(outputs, ""))) {
		require.True(r.t, time.Now().Before(deadline), "%s:\n%s\nprints\n%s\nand not\n%s",
			p.where, strings.Join(commands, "\n"), strings.Join(outputs, ""), p.output)
		time.Sleep(200 * time.Millisecond) // other processes take their time
		for i, command := range commands {
			if reads.MatchString(command) {
				outputs[i] = r.one(p, command)
			}
		}
	}
}

// one runs a command and returns what it prints.
func (r *reader) one(p *piece, command string) string {
	r.t.Helper()
	running := start(r.t, r.shell(command))
	running.wait(r.t)
	if !fails.MatchString(p.output) {
		require.True(r.t, running.command.ProcessState.Success(), "%s: %s:\n%s", p.where, command, &running.screen)
	}
	return running.screen.String()
}

func (r *reader) shell(command string) *exec.Cmd {
	shell := exec.CommandContext(r.t.Context(), "sh", "-c", command)
	shell.Dir, shell.Env = r.dir, r.env
	return shell
}

// get is the command for this module, which a test takes from here and not from a proxy.
const get = "go get github.com/kuberator/kuberator/..."

// prepare does what a shell does without a program, or returns the command for one.
func (r *reader) prepare(command string) string {
	r.t.Helper()
	command = r.ports.Replace(strings.TrimSpace(command))
	if dir, found := strings.CutPrefix(command, "cd "); found {
		r.dir = filepath.Join(r.dir, dir)
		return ""
	}
	if set, found := strings.CutPrefix(command, "export "); found {
		r.env = append(r.env, strings.ReplaceAll(set, "$PWD", r.dir))
		return ""
	}
	if command == get {
		root, err := filepath.Abs("../..")
		require.NoError(r.t, err)
		return "go mod edit -require=github.com/kuberator/kuberator@v0.0.0 -replace=github.com/kuberator/kuberator='" + root + "' && " + get + "@v0.0.0"
	}
	return command
}
