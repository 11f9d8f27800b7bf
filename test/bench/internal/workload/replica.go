package workload

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// What a replica says, line by line. The times are those of the machine, in nanoseconds.
const (
	saidKnows = "knows" // the first request for the lease was answered
	saidBegin = "begin" // Apply begins, at that time
	saidEnd   = "end"
)

// runReplica is the process of a replica. It ends with the one that started it.
func runReplica(ctx context.Context, p *Process, makeOp contender.Replica) error {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	var mu sync.Mutex
	say := func(words ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintln(os.Stdout, words...) // if nobody reads it, the process ends
	}
	var once sync.Once
	p.Config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && strings.Contains(req.URL.Path, "/leases/") {
				once.Do(func() { say(saidKnows) })
			}
			return resp, err
		})
	})
	op, err := makeOp(p.Config, p.election(), func(*widget.Widget) error {
		say(saidBegin, time.Now().UnixNano())
		time.Sleep(50 * time.Millisecond)
		say(saidEnd, time.Now().UnixNano())
		return nil
	})
	if err != nil {
		return err
	}
	return op.Run(ctx)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// replica is the process of one, as the one sees it that started it.
type replica struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	ended  chan struct{} // closed when all it said was read

	mu      sync.Mutex
	knows   bool
	applies []span
	said    chan struct{} // closed, and made anew, with each line
}

// span is a call of Apply. The end is zero as long as it has not ended.
type span struct{ begin, end time.Time }

func (p *Process) start(ctx context.Context, lease string) (*replica, error) {
	task := p.Task
	task.Replica = lease
	told, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := &replica{cmd: exec.CommandContext(ctx, self), ended: make(chan struct{}), said: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), p.variable+"="+string(told))
	r.cmd.Stderr = &r.stderr
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(r.ended)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			r.hear(lines.Text())
		}
	}()
	return r, nil
}

func (r *replica) hear(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	word, rest, _ := strings.Cut(line, " ")
	n, _ := strconv.ParseInt(rest, 10, 64)
	switch at := time.Unix(0, n); word {
	case saidKnows:
		r.knows = true
	case saidBegin:
		r.applies = append(r.applies, span{begin: at})
	case saidEnd: // of the only object
		r.applies[len(r.applies)-1].end = at
	}
	close(r.said)
	r.said = make(chan struct{})
}

// await returns when the condition is true, which is looked at when something was said.
func (r *replica) await(ctx context.Context, what string, is func() bool) error {
	for {
		r.mu.Lock()
		ok, said := is(), r.said
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-said:
		case <-r.ended:
			return fmt.Errorf("wait until the replica %s: it ended", what)
		case <-ctx.Done():
			return fmt.Errorf("wait until the replica %s: %w", what, ctx.Err())
		}
	}
}

// waits returns when the replica knows who leads.
func (r *replica) waits(ctx context.Context) error {
	return r.await(ctx, "has seen the lease", func() bool { return r.knows })
}

// works returns when it first called Apply.
func (r *replica) works(ctx context.Context) (first time.Time, err error) {
	err = r.await(ctx, "applies", func() bool {
		if len(r.applies) == 0 {
			return false
		}
		first = r.applies[0].begin
		return true
	})
	return first, err
}

// fail sends the replica a signal, and waits until it has ended and the standby works.
func (r *replica) fail(ctx context.Context, signal os.Signal, standby *replica) (outage, error) {
	at := time.Now()
	if err := r.cmd.Process.Signal(signal); err != nil {
		return outage{}, fmt.Errorf("signal the leader: %w", err)
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
		return outage{}, fmt.Errorf("wait for the end of the leader: %w", ctx.Err())
	}
	gone := time.Now()
	if err := r.cmd.Wait(); err != nil && signal == syscall.SIGTERM {
		return outage{}, fmt.Errorf("the leader: %w: %s", err, &r.stderr)
	}
	first, err := standby.works(ctx)
	return outage{signal: signal, took: first.Sub(at), overlaps: overlaps(r.spans(gone), standby.spans(gone))}, err
}

// spans returns the calls of Apply. Those that have not ended end then.
func (r *replica) spans(end time.Time) []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := append([]span(nil), r.applies...)
	for i := range all {
		if all[i].end.IsZero() {
			all[i].end = end
		}
	}
	return all
}

func overlaps(a, b []span) (n int) {
	for _, x := range a {
		for _, y := range b {
			if x.begin.Before(y.end) && y.begin.Before(x.end) {
				n++
			}
		}
	}
	return n
}

// kill ends the process, if it has not ended.
func (r *replica) kill() {
	if err := r.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		<-r.ended
		_ = r.cmd.Wait()
	}
}
