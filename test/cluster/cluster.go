package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"k8s.io/client-go/rest"
)

// Cluster is a running control plane: etcd, an API server and, unless it was left
// out, a controller manager. It has no nodes, so Pods stay Pending.
//
// Its methods may be called from any goroutine.
type Cluster struct {
	directory   *directory
	credentials *credentials
	host        string
	kubeconfig  string

	etcd, apiServer, manager *Process // manager may be nil

	stopping sync.Once
	stopped  chan struct{}
	stopErr  error

	dying    sync.Once
	dead     chan struct{}
	deathErr error // set before dead is closed
}

// New starts a control plane and returns when objects can be written to it, about
// four seconds later. The first time on a machine it also builds the program,
// which takes minutes (see [Binary]). The caller must call [Cluster.Stop].
//
// ctx bounds the start only: when it ends later, the control plane goes on. If it
// is killed, the caller's process leaves no other process behind.
//
// # Errors
//
// An error names what failed: the options, the build, or the process that did not
// start, with how it ended and the tail of its log. Nothing is left running.
func New(ctx context.Context, opts *Options) (*Cluster, error) {
	options := opts.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	programs, err := locate(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	c, err := open(ctx, &options, programs)
	if lostPort(err) {
		// Between finding a free port and listening on it, someone else took it.
		c, err = open(ctx, &options, programs)
	}
	return c, err
}

// lostPort reports whether a process found its port taken. A taken port that the
// caller asked for is found before any process starts, and stays taken.
func lostPort(err error) bool {
	return err != nil && !errors.Is(err, syscall.EADDRINUSE) && strings.Contains(err.Error(), "address already in use")
}

// open makes the directory and starts the processes in it.
func open(ctx context.Context, options *Options, programs *programs) (*Cluster, error) {
	ports, err := choosePorts(options.APIServerPort)
	if err != nil {
		return nil, fmt.Errorf("starting the control plane: %w", err)
	}
	directory, err := openDirectory(options.Dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		directory: directory,
		host:      secureURL(ports.apiServer),
		stopped:   make(chan struct{}),
		dead:      make(chan struct{}),
	}
	err = c.prepare(options, programs, ports)
	if err == nil {
		err = c.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// prepare writes the files that the processes read and sets up their flags.
func (c *Cluster) prepare(options *Options, programs *programs, p ports) error {
	var err error
	if c.credentials, err = loadCredentials(c.directory); err != nil {
		return err
	}
	if c.kubeconfig, err = c.KubeconfigFor(c.Config(), "admin"); err != nil {
		return err
	}
	authority, err := c.credentials.authority()
	if err != nil {
		return err
	}
	probe := newProber(authority, c.credentials.token)

	c.etcd = c.newProcess("etcd", programs.etcd, etcdFlags(c.directory, p))
	c.etcd.ready = probe.answers(etcdURL(p.etcdClient) + "/health")

	flags := slices.Concat(apiServerFlags(c.credentials, p), options.APIServerFlags)
	c.apiServer = c.newProcess("kube-apiserver", programs.apiServer, flags)
	c.apiServer.ready = probe.answers(c.host+"/readyz", c.host+"/api/v1/namespaces/default")

	if programs.manager != nil && !options.NoControllerManager {
		flags := slices.Concat(managerFlags(c.credentials, p, c.kubeconfig), options.ControllerManagerFlags)
		c.manager = c.newProcess("kube-controller-manager", programs.manager, flags)
		c.manager.ready = probe.lists(secureURL(p.manager) + "/healthz")
	}
	return nil
}

func (c *Cluster) newProcess(name string, program, flags []string) *Process {
	return &Process{
		name:    name,
		command: slices.Concat(program, flags),
		env:     environment(),
		logPath: c.directory.join(name + ".log"),
		onDeath: c.died,
	}
}

// environment is that of this process without what would change how the programs
// behave: etcd takes any flag from a variable, and a program that finds itself in
// a Pod asks the cluster it runs in.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "ETCD_") || strings.HasPrefix(variable, "KUBERNETES_")
	})
	return append(env, "KUBERATOR_PARENT_PIPE=1")
}

func (c *Cluster) start(ctx context.Context) error {
	for _, process := range c.processes() {
		process.operation.Lock()
		err := process.start(ctx)
		process.operation.Unlock()
		if err != nil {
			return fmt.Errorf("starting the control plane: %w", err)
		}
	}
	return nil
}

// processes returns those there are, in the order in which they start.
func (c *Cluster) processes() []*Process {
	return slices.DeleteFunc([]*Process{c.etcd, c.apiServer, c.manager}, func(p *Process) bool { return p == nil })
}

// Config returns a configuration for clients that may do everything. Each call
// returns a copy of its own. It sets no limit on the rate of requests.
func (c *Cluster) Config() *rest.Config {
	return &rest.Config{
		Host:            c.host,
		BearerToken:     c.credentials.token,
		TLSClientConfig: rest.TLSClientConfig{CAData: slices.Clone(c.credentials.certificate)},
		// Zero would mean five requests a second. The server defends itself.
		QPS: -1,
	}
}

// Dir returns the data directory, which also holds the log of each process.
func (c *Cluster) Dir() string { return c.directory.path }

// Etcd returns the process that stores the objects.
func (c *Cluster) Etcd() *Process { return c.etcd }

// APIServer returns the process that clients talk to.
func (c *Cluster) APIServer() *Process { return c.apiServer }

// ControllerManager returns the process that deletes namespaces, collects garbage
// and looks after Deployments. It is nil if the control plane runs without one.
func (c *Cluster) ControllerManager() *Process { return c.manager }

// Done returns a channel that is closed when a process ends without being asked
// to. [Cluster.Err] then says which and how. Ends that a method of [Process]
// brought about do not count.
func (c *Cluster) Done() <-chan struct{} { return c.dead }

// Err returns nil until Done is closed, and then the first unexpected end. A
// Restart does not take it back.
func (c *Cluster) Err() error {
	select {
	case <-c.dead:
		return c.deathErr
	default:
		return nil
	}
}

// Stop ends the processes in order, gives their ports back and removes the data
// directory if it is temporary. It is safe to call more than once; every call
// returns, with the same result, when all is done.
func (c *Cluster) Stop() error {
	c.stopping.Do(func() {
		var errs []error
		for _, process := range c.processes() {
			// An API server whose etcd is paused does not end by itself.
			_ = process.Resume()
		}
		for _, process := range slices.Backward(c.processes()) {
			errs = append(errs, process.retire())
		}
		errs = append(errs, c.directory.close())
		c.stopErr = errors.Join(errs...)
		close(c.stopped)
	})
	return c.stopErr
}

func (c *Cluster) died(err error) {
	c.dying.Do(func() {
		c.deathErr = err
		close(c.dead)
	})
}
