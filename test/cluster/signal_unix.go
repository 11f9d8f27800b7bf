//go:build unix

package cluster

import (
	"errors"
	"os"
	"syscall"
)

// signal is what a [Process] can be told.
type signal int

const (
	terminate signal = iota
	kill
	pause
	resume
)

// send tells the process and everything it started. Each child leads a process
// group of its own, so the group has its number.
func send(process *os.Process, s signal) error {
	number := map[signal]syscall.Signal{
		terminate: syscall.SIGTERM,
		kill:      syscall.SIGKILL,
		pause:     syscall.SIGSTOP,
		resume:    syscall.SIGCONT,
	}[s]
	err := syscall.Kill(-process.Pid, number)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
