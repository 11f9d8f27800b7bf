package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/replicaset"
)

const (
	// resync is how often a controller looks at everything again, as in
	// kube-controller-manager.
	resync = 12 * time.Hour
	// namespaceResync is the same for namespaces.
	namespaceResync = 5 * time.Minute
	// discoverEvery is how often the garbage collector looks for new kinds. The original
	// waits 30 s; a test that has just installed a CustomResourceDefinition should not.
	discoverEvery = time.Second
	// monitorsWithin is how long the garbage collector waits for its caches before it works
	// with those that it has, as in kube-controller-manager.
	monitorsWithin = 30 * time.Second
	// shutdownWithin is less than the ten seconds after which package test/cluster kills.
	shutdownWithin = 5 * time.Second
)

// runManager runs the controllers of kube-controller-manager that tests of operators notice,
// from their packages: its own command pulls in the kubelet's, the scheduler's and the volumes'
// code, which is a fifth of what there is to compile.
func runManager(args []string) error {
	o, err := parseManager(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal then ends the process at once
	m, err := newManager(o)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer waitFor(&running)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, name := range o.enabled() {
		run, err := starters[name](ctx, m)
		if err != nil {
			return fmt.Errorf("starting %s: %w", name, err)
		}
		running.Go(func() { run(ctx) })
	}
	m.typed.Start(ctx.Done())
	m.metadata.Start(ctx.Done())
	close(m.started)
	return serveHealth(ctx, o)
}

// waitFor waits until the controllers have ended, for some time: a request to an API server that
// hangs does not end with its context.
func waitFor(running *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(shutdownWithin):
	}
}

// manager is what the controllers share.
type manager struct {
	options  *managerOptions
	config   *rest.Config
	typed    informers.SharedInformerFactory
	metadata metadatainformer.SharedInformerFactory
	started  chan struct{} // closed when the informers run
}

func newManager(o *managerOptions) (*manager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading --kubeconfig: %w", err)
	}
	config.QPS, config.Burst = o.qps, o.burst
	m := &manager{options: o, config: config, started: make(chan struct{})}
	client, err := m.client("shared-informers")
	if err != nil {
		return nil, err
	}
	meta, err := metadata.NewForConfig(m.configOf("metadata-informers", 1))
	if err != nil {
		return nil, err
	}
	m.typed, m.metadata = informers.NewSharedInformerFactory(client, resync), metadatainformer.NewSharedInformerFactory(meta, resync)
	return m, nil
}

// configOf returns the configuration of a controller, which may send so many times the
// requests of the others.
func (m *manager) configOf(name string, times float32) *rest.Config {
	config := rest.AddUserAgent(rest.CopyConfig(m.config), name)
	config.QPS, config.Burst = config.QPS*times, int(float32(config.Burst)*times)
	return config
}

func (m *manager) client(name string) (kubernetes.Interface, error) {
	config := m.configOf(name, 1)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	return kubernetes.NewForConfig(config)
}

// starters make each controller, ready to run until its context ends.
var starters = map[string]func(context.Context, *manager) (run func(context.Context), err error){
	"garbage-collector-controller": startGarbageCollector,
	"namespace-controller":         startNamespaces,
	"deployment-controller":        startDeployments,
	"replicaset-controller":        startReplicaSets,
}

func startGarbageCollector(ctx context.Context, m *manager) (func(context.Context), error) {
	config := m.configOf("generic-garbage-collector", 2) // a deletion takes two requests
	client, err := m.client("generic-garbage-collector")
	if err != nil {
		return nil, err
	}
	finder, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	collector, err := garbagecollector.NewGarbageCollector(ctx, client, meta,
		restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(finder)), garbagecollector.DefaultIgnoredResources(),
		informerfactory.NewInformerFactory(m.typed, m.metadata), m.started)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		var both sync.WaitGroup
		both.Go(func() { collector.Run(ctx, m.options.gcWorkers, monitorsWithin) })
		both.Go(func() { collector.Sync(ctx, finder, discoverEvery) })
		both.Wait()
	}, nil
}

func startNamespaces(ctx context.Context, m *manager) (func(context.Context), error) {
	config := m.configOf("namespace-controller", 20) // it asks for everything that there could be
	config.Burst *= 5                                // a hundred times, as in the original
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	c := namespace.NewNamespaceController(ctx, client, meta, client.Discovery().ServerPreferredNamespacedResources,
		m.typed.Core().V1().Namespaces(), namespaceResync, corev1.FinalizerKubernetes)
	return func(ctx context.Context) { c.Run(ctx, m.options.namespaceWorkers) }, nil
}

func startDeployments(ctx context.Context, m *manager) (func(context.Context), error) {
	client, err := m.client("deployment-controller")
	if err != nil {
		return nil, err
	}
	c, err := deployment.NewDeploymentController(ctx, m.typed.Apps().V1().Deployments(), m.typed.Apps().V1().ReplicaSets(), m.typed.Core().V1().Pods(), client)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) { c.Run(ctx, m.options.deploymentWorkers) }, nil
}

func startReplicaSets(ctx context.Context, m *manager) (func(context.Context), error) {
	client, err := m.client("replicaset-controller")
	if err != nil {
		return nil, err
	}
	c := replicaset.NewReplicaSetController(ctx, m.typed.Apps().V1().ReplicaSets(), m.typed.Core().V1().Pods(), client, replicaset.BurstReplicas)
	return func(ctx context.Context) { c.Run(ctx, m.options.replicaSetWorkers) }, nil
}

var errNotHere = errors.New("this control plane runs one controller manager, as the admin; start the original for anything else")
