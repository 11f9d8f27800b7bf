package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/loopback"
)

// newcomers is how many new Widgets are made ready.
const newcomers = 3000

// envConverge makes this test binary an operator that makes Widgets ready.
const envConverge = "KUBERATOR_BENCH_CONVERGE"

// convergers are the contenders.
func convergers() map[string]contender.Converge {
	return map[string]contender.Converge{kuberator: contender.KuberatorConverge, clientGo: contender.ClientGoConverge}
}

// effort is what making all of them ready took the operator's process, and the server saw.
type effort struct {
	CPU    float64 // nanoseconds
	Wall   float64 // nanoseconds
	Allocs float64
	Bytes  float64
	Writes int64
}

// BenchmarkConverge is a flood of new objects: each gets a finalizer and a status. The server is
// simulated, in another process, and serves HTTPS.
func BenchmarkConverge(b *testing.B) {
	for _, name := range []string{kuberator, clientGo} {
		b.Run(name, func(b *testing.B) {
			var sum effort
			for range b.N {
				e, err := converge(b.Context(), name)
				if err != nil {
					b.Fatal(err)
				}
				sum = sum.plus(e)
			}
			n := float64(b.N) * newcomers
			b.ReportMetric(sum.CPU/n, "cpu-ns/object")
			b.ReportMetric(sum.Wall/n, "ns/object")
			b.ReportMetric(sum.Allocs/n, "allocs/object")
			b.ReportMetric(sum.Bytes/n, "B/object")
			b.ReportMetric(float64(sum.Writes)/n, "writes/object")
		})
	}
}

func (e effort) plus(f effort) effort {
	return effort{e.CPU + f.CPU, e.Wall + f.Wall, e.Allocs + f.Allocs, e.Bytes + f.Bytes, e.Writes + f.Writes}
}

// TestConvergeWritesTwicePerObject counts, which needs no quiet machine.
func TestConvergeWritesTwicePerObject(t *testing.T) {
	for name := range convergers() {
		e, err := converge(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if e.Writes != 2*newcomers {
			t.Errorf("%s: %d writes for %d objects", name, e.Writes, newcomers)
		}
	}
}

// converge serves new Widgets, and runs a contender in a process of its own until all are ready.
func converge(ctx context.Context, name string) (effort, error) {
	var writes atomic.Int64
	srv, err := sim.New(sim.Options{
		Kinds: sim.Schemaless(widget.GroupVersion().WithKind("Widget"), true), Namespaces: []string{"bench"},
		OnChange: func(sim.Change) { writes.Add(1) },
	})
	if err != nil {
		return effort{}, err
	}
	defer srv.Close()
	if err := populate(ctx, srv); err != nil {
		return effort{}, err
	}
	writes.Store(0)
	served, err := loopback.Serve(srv, nil)
	if err != nil {
		return effort{}, err
	}
	e, err := inProcess(ctx, name, served.Kubeconfig())
	e.Writes = writes.Load()
	if closed := served.Close(); err == nil {
		err = closed
	}
	return e, err
}

func populate(ctx context.Context, srv *sim.Server) error {
	client, err := dynamic.NewForConfig(srv.Config())
	if err != nil {
		return err
	}
	widgets := client.Resource(widget.GroupVersion().WithResource("widgets")).Namespace("bench")
	for i := range newcomers {
		w := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": widget.GroupVersion().String(), "kind": "Widget",
			"metadata": map[string]any{"name": fmt.Sprintf("widget-%05d", i), "labels": map[string]any{"app": "bench", "tier": "front"}},
			"spec": map[string]any{
				"replicas": int64(3), "image": "registry.example.com/app:1.2.3",
				"settings": map[string]any{"colour": "blue", "size": "large", "mode": "standard"},
			},
		}}
		if _, err := widgets.Create(ctx, w, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func inProcess(ctx context.Context, name, kubeconfig string) (e effort, err error) {
	self, err := os.Executable()
	if err != nil {
		return e, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), envConverge+"="+name, envServer+"="+kubeconfig)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return e, fmt.Errorf("%s: %w: %s", name, err, &stderr)
	}
	return e, json.Unmarshal(stdout.Bytes(), &e)
}

// convergence is the process that is measured: until all objects are ready, and the events of
// the last writes have come.
func convergence(name, kubeconfig string) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	cfg.QPS, cfg.ContentType, cfg.AcceptContentTypes = -1, "application/json", "application/json"
	var ready atomic.Int64
	all := make(chan struct{})
	op, err := convergers()[name](cfg, func() {
		if ready.Add(1) == newcomers {
			close(all)
		}
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began, used := time.Now(), cpu()
	ended := make(chan error, 1)
	go func() { ended <- op.Run(ctx) }()
	select {
	case <-all:
	case <-ctx.Done():
		return fmt.Errorf("%d of %d are ready after %s", ready.Load(), newcomers, patience)
	}
	wall := time.Since(began)
	time.Sleep(200 * time.Millisecond) // the last events
	e := effort{CPU: float64(cpu() - used), Wall: float64(wall)}
	runtime.ReadMemStats(&after)
	e.Allocs, e.Bytes = float64(after.Mallocs-before.Mallocs), float64(after.TotalAlloc-before.TotalAlloc)
	cancel()
	if err := <-ended; err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(e)
}
