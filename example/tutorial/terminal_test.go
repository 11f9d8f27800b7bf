package tutorial_test

import (
	"bytes"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a command may take. The first ones compile client-go.
const patience = 5 * time.Minute

// screen is what a terminal shows.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// running is a program in a terminal of its own.
type running struct {
	command *exec.Cmd
	screen  screen
	ended   chan struct{}
}

// start starts a command as a shell does: in a group of processes, which gets the signals.
func start(t *testing.T, command *exec.Cmd) *running {
	t.Helper()
	r := &running{command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = &r.screen, &r.screen
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, command.Start())
	go func() {
		defer close(r.ended)
		_ = command.Wait() // an end by a signal is one
	}()
	t.Cleanup(func() { r.signal(syscall.SIGKILL); <-r.ended })
	return r
}

func (r *running) signal(s syscall.Signal) {
	select {
	case <-r.ended: // its number may be that of another one by now
	default:
		_ = syscall.Kill(-r.command.Process.Pid, s) // it may just have ended
	}
}

// interrupt presses Ctrl-C, and waits for the end.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	r.signal(syscall.SIGINT)
	r.wait(t)
}

func (r *running) wait(t *testing.T) {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		require.Fail(t, "it does not end", "%s\n%s", r.command, &r.screen)
	}
}
