package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/kuberator/kuberator/example/configmirror"
	ops "github.com/kuberator/kuberator/operator"
)

// replicaArg is the first argument of the processes that are replicas of the operator.
const replicaArg = "replica"

// leaseDuration is how long a replica waits for one that was killed: shorter than the default, for people
// who watch.
const leaseDuration = 6 * time.Second

// replicaMain is the operator as a process of the demo. Ctrl-C is for the demo alone, which ends it with SIGTERM;
// it also ends if the demo is gone.
func replicaMain(args []string) int {
	signal.Ignore(os.Interrupt, syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	if err := ops.Run(ctx, configmirror.Name, args, configmirror.Setup, configmirror.ProcessOptions(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// replica is such a process.
type replica struct {
	name  string
	n     *narrator
	cmd   *exec.Cmd
	stdin io.Closer     // closed, it ends the process at once
	ended chan struct{} // closed when the process has ended
	how   error         // how it ended, then

	mu      sync.Mutex
	leading bool
	page    string
}

// launch starts a replica, which works as the service account of the kubeconfig.
func launch(name, kubeconfig string, n *narrator) (*replica, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start replica %s: %w", name, err)
	}
	r := &replica{name: name, n: n, ended: make(chan struct{})}
	r.cmd = exec.Command(program, replicaArg, "--kubeconfig", kubeconfig, "--leader-elect-lease-duration", leaseDuration.String(), //nolint:noctx // it ends in order, by SIGTERM
		"--health-addr=127.0.0.1:0", "--metrics-addr=0")
	r.cmd.Env = append(os.Environ(), "POD_NAMESPACE="+configmirror.Namespace)
	said, err := r.cmd.StderrPipe()
	if err == nil {
		r.stdin, err = r.cmd.StdinPipe()
	}
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start replica %s: %w", name, err)
	}
	go func() {
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			r.hear(lines.Bytes())
		}
		r.how = r.cmd.Wait()
		close(r.ended)
	}()
	return r, nil
}

// hear tells what is in a record of the log that the audience may want to know.
func (r *replica) hear(line []byte) {
	var record struct{ Level, Msg, Error, Address string }
	if err := json.Unmarshal(line, &record); err != nil {
		r.n.say(operator, "! replica %s: %s", r.name, line)
		return
	}
	switch {
	case record.Msg == "serving":
		r.set(func() { r.page = "http://" + record.Address + ops.PagePath })
	case record.Msg == "leading":
		r.set(func() { r.leading = true })
		r.n.say(operator, "replica %s leads", r.name)
	case record.Msg == "stopped leading":
		r.set(func() { r.leading = false })
	case record.Level != "info":
		r.n.say(operator, "! replica %s: %s %s", r.name, record.Msg, record.Error)
	}
}

func (r *replica) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// leads returns whether the replica leads, and the address of its page.
func (r *replica) leads() (leading bool, page string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leading, r.page
}

// end ends the process in order.
func (r *replica) end() error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end replica %s: %w", r.name, err)
	}
	select {
	case <-r.ended:
		if r.how != nil {
			return fmt.Errorf("replica %s: %w", r.name, r.how)
		}
		return nil
	case <-time.After(patience):
		r.kill()
		return fmt.Errorf("replica %s does not end", r.name)
	}
}

// kill ends the process at once, as a machine that loses its power does.
func (r *replica) kill() {
	_ = r.cmd.Process.Kill()
	<-r.ended
	r.set(func() { r.leading = false })
}
