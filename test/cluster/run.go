package cluster

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
)

// run is one life of a [Process], from its start to its end.
type run struct {
	cmd *exec.Cmd
	// asked is true once this package has told the process to end.
	asked atomic.Bool
	// done is closed when the process is gone and err is set.
	done chan struct{}
	err  error
}

// launch starts the command with its output appended to the log file. When the
// process is gone, onEnd is called once, from another goroutine.
func launch(command, env []string, logPath string, onEnd func(*run)) (*run, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	// The child reads from a pipe of which only this process has the other end.
	childEnd, parentEnd, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	r := &run{cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	r.cmd.Env = env
	r.cmd.Stdin = childEnd
	r.cmd.Stdout = log
	r.cmd.Stderr = log
	r.cmd.SysProcAttr = attributes()

	started := make(chan error)
	go func() {
		// On Linux the child is killed when the thread that started it ends, so that
		// thread must stay until the child is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := r.cmd.Start()
		_ = childEnd.Close()
		_ = log.Close()
		started <- err
		if err == nil {
			r.await(onEnd)
		}
		_ = parentEnd.Close()
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return r, nil
}

// await waits for the end of the process. A process that ends by itself never
// does so with success.
func (r *run) await(onEnd func(*run)) {
	r.err = r.cmd.Wait()
	if r.err == nil {
		r.err = errors.New("exit status 0")
	}
	onEnd(r)
	close(r.done)
}

func (r *run) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// signal tells the process. One that is gone already is not an error: whoever
// signals it waits for done next.
func (r *run) signal(s signal) error {
	if err := send(r.cmd.Process, s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
