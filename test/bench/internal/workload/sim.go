package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/sim"
)

// The API servers that tests can have.
const (
	Simulator    = "simulator"     // package sim, in the process of the test
	ControlPlane = "control plane" // kube-apiserver and etcd, as envtest starts them, over TLS
)

// simulator is what a test waits for that needs an API server.
var simulator = Workload{
	Name:  "sim",
	About: "A test starts an API server, and sends one request after the other; median time on the clock",
	Full:  Size{Objects: 500}, Short: Size{Objects: 10},
	Rounds: 2,
	Serve: func(ctx context.Context, _ Size) (*Site, error) {
		_, err := cluster.Binary(ctx, os.Stderr) // where it is not there yet, the first start would build it
		return &Site{}, err
	},
	Contenders: []Contender{
		{Simulator, func(ctx context.Context, p *Process) error { return runAPIServer(ctx, p, startSimulator) }},
		{ControlPlane, func(ctx context.Context, p *Process) error { return runAPIServer(ctx, p, startControlPlane) }},
	},
	Bars: []Bar{
		{Metric: "start", Contender: Simulator, Against: ControlPlane, AtMost: 0.03},
	},
	Chart: []string{"start", "create", "get", "list", "watch"},
}

func startSimulator(context.Context) (*rest.Config, func() error, error) {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		return nil, nil, err
	}
	return srv.Config(), func() error { srv.Close(); return nil }, nil
}

func startControlPlane(ctx context.Context) (*rest.Config, func() error, error) {
	c, err := cluster.New(ctx, &cluster.Options{NoControllerManager: true})
	if err != nil {
		return nil, nil, err
	}
	return c.Config(), c.Stop, nil
}

// runAPIServer measures a start until the first request is answered, and then one request after the other.
func runAPIServer(ctx context.Context, p *Process, startServer func(context.Context) (*rest.Config, func() error, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	cfg, stop, err := startServer(ctx)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(unlimited(cfg))
	if err != nil {
		return errors.Join(err, stop())
	}
	s := latencies{p, client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("default")}
	if _, err := s.client.List(ctx, metav1.ListOptions{}); err != nil {
		return errors.Join(err, stop())
	}
	p.Report("start", "ms", float64(time.Since(began).Microseconds())/1000)
	return errors.Join(s.measure(ctx), stop())
}

// latencies measures requests for ConfigMaps.
type latencies struct {
	p      *Process
	client dynamic.ResourceInterface
}

func (s latencies) measure(ctx context.Context) error {
	n := s.p.Size.Objects
	patch := func(i int) error {
		_, err := s.client.Patch(ctx, configMapName(i), types.MergePatchType, fmt.Appendf(nil, `{"data":{"seen":"%d"}}`, time.Now().UnixNano()), metav1.PatchOptions{})
		return err
	}
	steps := []func() error{
		func() error { return s.each("create", n, func(i int) error { return s.create(ctx, i) }) },
		func() error {
			return s.each("get", n, func(i int) error {
				_, err := s.client.Get(ctx, configMapName(i), metav1.GetOptions{})
				return err
			})
		},
		func() error {
			return s.each("list", max(n/10, 1), func(int) error {
				_, err := s.client.List(ctx, metav1.ListOptions{LabelSelector: "bench=true"})
				return err
			})
		},
		func() error { return s.each("patch", n, patch) },
		func() error { return s.watched(ctx, n, patch) },
		func() error {
			return s.each("delete", n, func(i int) error { return s.client.Delete(ctx, configMapName(i), metav1.DeleteOptions{}) })
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// watched measures from the moment that a change is sent until a watch shows it.
func (s latencies) watched(ctx context.Context, n int, change func(i int) error) error {
	list, err := s.client.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return err
	}
	w, err := s.client.Watch(ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion(), LabelSelector: "bench=true"})
	if err != nil {
		return err
	}
	defer w.Stop()
	return s.each("watch", n, func(i int) error {
		if err := change(i); err != nil {
			return err
		}
		select {
		case e, ok := <-w.ResultChan():
			if got, is := e.Object.(*unstructured.Unstructured); !ok || !is || got.GetName() != configMapName(i) {
				return fmt.Errorf("watch: expected %s, got %v", configMapName(i), e)
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// each reports the median of the times that do takes.
func (s latencies) each(metric string, n int, do func(i int) error) error {
	times := make([]time.Duration, n)
	for i := range times {
		began := time.Now()
		if err := do(i); err != nil {
			return fmt.Errorf("%s: %w", metric, err)
		}
		times[i] = time.Since(began)
	}
	s.p.Report(metric, "µs", middle(times))
	return nil
}

func (s latencies) create(ctx context.Context, i int) error {
	_, err := s.client.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": configMapName(i), "labels": map[string]any{"bench": "true"}},
		"data":     map[string]any{"colour": "blue", "size": "large", "mode": "standard"},
	}}, metav1.CreateOptions{})
	return err
}

func configMapName(i int) string { return fmt.Sprintf("bench-%d", i) }
