package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// patience is how long one step of a measurement may take before it counts as hanging.
const patience = 3 * time.Minute

// Task is what a process of a contender is told.
type Task struct {
	Workload  string `json:"workload"`
	Contender string `json:"contender"`
	Server    string `json:"server"`
	// Driver is the address of what changes objects, if the workload has that.
	Driver string `json:"driver"`
	Size   Size   `json:"size"`
	// Round counts how often the contender was measured before.
	Round int `json:"round"`
	// Profile is the file that a profile of the processors is written to while something is measured. If that is measured
	// more than once, numbers are appended to its name. "" means none.
	Profile string `json:"profile"`
	// Replica is the lease that this process competes for, which another process of the contender started. "" means
	// that it is the one that measures.
	Replica string `json:"replica,omitempty"`
}

// Value is one that was measured.
type Value struct {
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
}

// Process is the one that a contender has for itself.
type Process struct {
	Task
	// Config is that of a client of Server, without limits. Which encoding is used for kinds of Kubernetes is the choice of the
	// contender. What it sends is counted.
	Config *rest.Config

	values   []Value
	requests requests
	profiles int
	variable string
}

// Execute does a task in this process, and returns what was measured. It starts others with a task in that environment
// variable.
func Execute(ctx context.Context, task Task, variable string) ([]Value, error) {
	_, c, ok := Find(task.Workload, task.Contender)
	if !ok {
		return nil, fmt.Errorf("there is no workload %q with a contender %q", task.Workload, task.Contender)
	}
	p := &Process{Task: task, variable: variable}
	if task.Server != "" {
		if err := p.connect(); err != nil {
			return nil, err
		}
	}
	err := c.Run(ctx, p)
	return p.values, err
}

func (p *Process) connect() error {
	p.Config = &rest.Config{Host: p.Server}
	if !strings.HasPrefix(p.Server, "http://") {
		var err error
		if p.Config, err = clientcmd.BuildConfigFromFlags("", p.Server); err != nil {
			return err
		}
	}
	p.Config.QPS = -1
	p.Config.Wrap(p.requests.count)
	return nil
}

// Report adds a value.
func (p *Process) Report(metric, unit string, value float64) {
	p.values = append(p.values, Value{metric, unit, value})
}

// ReportRequests adds how many requests were sent, divided by n. Lists, watches, and requests for leases are not counted.
func (p *Process) ReportRequests(n int) {
	p.Report("writes", "/object", float64(p.requests.writes.Load())/float64(n))
	p.Report("conflicts", "", float64(p.requests.conflicts.Load()))
	p.Report("reads", "/object", float64(p.requests.reads.Load())/float64(n))
}

// requests are those that a process sent.
type requests struct {
	reads, writes, conflicts atomic.Int64
	// succeeded, if set, is called after each write that had an effect or found nothing to do.
	succeeded func()
}

func (r *requests) count(next http.RoundTripper) http.RoundTripper { return counting{r, next} }

type counting struct {
	requests *requests
	next     http.RoundTripper
}

func (c counting) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	switch {
	case strings.Contains(req.URL.Path, "/leases/"):
		return resp, err
	case req.Method == http.MethodGet:
		if isOne(req.URL.Path) {
			c.requests.reads.Add(1)
		}
		return resp, err
	}
	c.requests.writes.Add(1)
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusConflict:
		c.requests.conflicts.Add(1)
	case resp.StatusCode < http.StatusMultipleChoices && c.requests.succeeded != nil:
		c.requests.succeeded()
	}
	return resp, err
}

// isOne reports whether a path is that of one object of a namespace, as …/namespaces/bench/widgets/one.
func isOne(path string) bool {
	_, rest, ok := strings.Cut(path, "/namespaces/")
	return ok && strings.Count(rest, "/") == 2
}

// Main does the task in the environment variable of that name, and prints what was measured.
func Main(ctx context.Context, variable string) error {
	var task Task
	if err := json.Unmarshal([]byte(os.Getenv(variable)), &task); err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	values, err := Execute(ctx, task, variable)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(values)
}
