package cluster

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// stopGrace is how long a process may take to end by itself before it is killed.
// An API server takes about a second, and etcd seven while an API server is still
// connected to it; what has not ended after ten is stuck.
const stopGrace = 10 * time.Second

// Process is one program of a [Cluster]: etcd, the API server or the controller
// manager. Its methods make the trouble that a test needs: a crash, a hang, a
// restart.
//
// Its methods may be called from any goroutine; those that change the process run
// one after the other. Once the cluster is stopped, the process stays ended.
type Process struct {
	name    string
	command []string
	env     []string
	logPath string
	ready   func(ctx context.Context) error
	onDeath func(error)

	// operation is held by whatever changes the process, so that a Stop never sees
	// half a Restart.
	operation sync.Mutex

	mutex   sync.Mutex // guards what follows
	run     *run
	retired bool
	lastLog string
	err     error // set when the run ends without being asked to
}

// Name returns the name of the program, for instance "kube-apiserver".
func (p *Process) Name() string { return p.name }

// PID returns the process ID, or 0 if the process is not running.
func (p *Process) PID() int {
	r := p.current()
	if r == nil || r.ended() {
		return 0
	}
	return r.cmd.Process.Pid
}

// Stop asks the process to end, as with SIGTERM, and waits until it has. A
// process that takes more than ten seconds is killed. Etcd takes seven while an API
// server is connected to it. A paused process is resumed first. Stop does nothing if the process is not running.
func (p *Process) Stop() error {
	p.operation.Lock()
	defer p.operation.Unlock()
	return p.stop()
}

// Kill ends the process at once, as with SIGKILL, and waits until it is gone. It
// does nothing if the process is not running.
func (p *Process) Kill() error {
	p.operation.Lock()
	defer p.operation.Unlock()
	r := p.current()
	if r == nil || r.ended() {
		return nil
	}
	r.asked.Store(true)
	if err := r.signal(kill); err != nil {
		return fmt.Errorf("killing %s: %w", p.name, err)
	}
	<-r.done
	return nil
}

// Pause halts the process, as with SIGSTOP: its connections stay open and are not answered. On
// Linux, Pause returns when the process has come to a halt; elsewhere it may still answer for a
// moment. It is an error if the process is not running, and on systems without such a signal.
func (p *Process) Pause() error { return p.tell(pause, "pausing") }

// Resume lets a paused process go on, as with SIGCONT. It does nothing to one that
// was not paused, and is an error if the process is not running.
func (p *Process) Resume() error { return p.tell(resume, "resuming") }

// Restart stops the process if it is running, starts it again with the same flags,
// ports and data, and returns when it is ready. It also starts a process that was
// stopped, was killed, or died.
//
// An error says why the process is not ready and ends with the tail of its log.
func (p *Process) Restart(ctx context.Context) error {
	p.operation.Lock()
	defer p.operation.Unlock()
	if err := p.stop(); err != nil {
		return err
	}
	return p.start(ctx)
}

// Err returns nil while the process runs and after it was stopped or killed by a
// method of this package. If it ended by itself, Err says how, with the tail of
// its log. A successful Restart clears it.
func (p *Process) Err() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.err
}

// Log returns the tail of what the process has written, about the last 8 KB. It
// also works after the cluster is stopped.
func (p *Process) Log() string {
	if tail, err := tailOfFile(p.logPath); err == nil {
		return tail
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.lastLog
}

// start launches the process and waits until it is ready. The caller holds
// p.operation.
func (p *Process) start(ctx context.Context) error {
	p.mutex.Lock()
	retired := p.retired
	p.mutex.Unlock()
	if retired {
		return fmt.Errorf("starting %s: its control plane has been stopped", p.name)
	}
	r, err := launch(p.command, p.env, p.logPath, p.ended)
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	p.mutex.Lock()
	p.run, p.err = r, nil
	p.mutex.Unlock()
	return p.awaitReady(ctx, r)
}

func (p *Process) stop() error {
	r := p.current()
	if r == nil || r.ended() {
		return nil
	}
	r.asked.Store(true)
	if err := r.signal(terminate); err != nil {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	// A paused process acts on the first signal only when it is resumed. Where
	// there is no such signal, there are no paused processes either.
	_ = r.signal(resume)
	select {
	case <-r.done:
		return nil
	case <-time.After(stopGrace):
	}
	if err := r.signal(kill); err != nil {
		return fmt.Errorf("killing %s, which did not stop: %w", p.name, err)
	}
	<-r.done
	return nil
}

// retire stops the process for good.
func (p *Process) retire() error {
	p.operation.Lock()
	defer p.operation.Unlock()
	p.mutex.Lock()
	p.retired = true
	p.mutex.Unlock()
	return p.stop()
}

func (p *Process) tell(s signal, doing string) error {
	p.operation.Lock()
	defer p.operation.Unlock()
	r := p.current()
	err := os.ErrProcessDone
	if r != nil && !r.ended() {
		err = r.signal(s)
		if err == nil && s == pause {
			err = awaitPaused(r.cmd.Process.Pid)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", doing, p.name, err)
	}
	return nil
}

// ended is called once for every run, when its process is gone.
func (p *Process) ended(r *run) {
	tail, err := tailOfFile(p.logPath)
	if err != nil {
		tail = err.Error()
	}
	p.mutex.Lock()
	p.lastLog = tail
	p.mutex.Unlock()
	if r.asked.Load() {
		return
	}
	death := p.death(r)
	p.mutex.Lock()
	p.err = death
	p.mutex.Unlock()
	p.onDeath(death)
}

// death is the error for a run that ended without being asked to.
func (p *Process) death(r *run) error {
	return fmt.Errorf("%s (pid %d) ended unexpectedly: %w; the end of its log:\n%s",
		p.name, r.cmd.Process.Pid, r.err, p.Log())
}

func (p *Process) current() *run {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.run
}
