package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/informer"
)

// Process is what a [Setup] makes its controllers with.
type Process struct {
	// Config is for the repositories. Its requests are counted in the metrics, and their rate is not limited
	// by the client, since the API server does that itself.
	Config *rest.Config
	// Namespaces are those of the flag --namespaces; nil for all. [Process.Options] has them, too.
	Namespaces []string
	// Logger and Slog write to the log of the process. Slog is a front of Logger.
	Logger *zap.Logger
	Slog   *slog.Logger
	// Registry is what /metrics shows, for metrics of the operator's own.
	Registry *prometheus.Registry
	// Events records Kubernetes Events. The library records its own there.
	Events event.Recorder

	names     names
	opts      Options
	settings  *settings
	out       io.Writer
	lease     types.NamespacedName
	metrics   *metrics.Metrics
	inspector *debug.Inspector
	events    *event.Broadcaster
	elector   *leader.Elector
	leads     []controller.Runner
	each      []controller.Runner
}

func newProcess(name string, args []string, o *Options, out io.Writer) (*Process, error) {
	opts, n, err := o.withDefaults(name)
	if err != nil {
		return nil, err
	}
	s, err := parse(n, opts, args, out)
	if err != nil {
		return nil, err
	}
	logger := s.logger()
	return &Process{
		Namespaces: s.namespaces, Logger: logger, Slog: bridged(logger),
		names: n, opts: opts, settings: s, out: out,
		lease: types.NamespacedName{Namespace: cmp.Or(s.leaseIn, opts.Namespace), Name: n.Name},
	}, nil
}

// Lead adds runners that run on one replica at a time: controllers. With --leader-elect=false they run in
// this process whatever others do. The first that returns an error ends the process. Call it in the [Setup];
// a nil runner is an error of [Run].
func (p *Process) Lead(runners ...controller.Runner) { p.leads = append(p.leads, runners...) }

// EachReplica adds runners that run on each replica, as a webhook server does, from the start of the process
// to its end, whether it leads or not. The first that returns an error ends the process. Call it in the
// [Setup]. Their writes are not fenced: see [Process.LeaderConfig].
func (p *Process) EachReplica(runners ...controller.Runner) { p.each = append(p.each, runners...) }

// Options returns new options for a controller, with what the flags say, and with the observers of the
// process. More may be set in them; add an Observer with controller.Observers.
func (p *Process) Options() *controller.Options {
	return &controller.Options{
		Workers:  p.settings.workers,
		Informer: informer.Options{Namespaces: slices.Clone(p.Namespaces)},
		Logger:   p.Logger,
		Observer: controller.Observers(p.metrics, p.inspector, event.Observe(p.events), p.opts.Observer),
	}
}

// Allow adds rights that Apply and Cleanup need to those of [Options.Rules]: rights that depend on flags.
func (p *Process) Allow(rules ...rbacv1.PolicyRule) {
	p.opts.Rules = slices.Concat(p.opts.Rules, rules)
}

// LeaderConfig returns a Config for clients that are not repositories: what they write is refused while this
// process does not lead, see leader.Elector.Config. Without leader election it is a copy of Config.
func (p *Process) LeaderConfig() *rest.Config {
	if !p.settings.leaderElect {
		return rest.CopyConfig(p.Config)
	}
	return p.elector.Config(p.Config)
}

// Fact adds a line to the head of the page, which value is called for each time the page is shown. value must
// return at once, and be safe for concurrent use. A second call for the same name takes the place of the
// first.
func (p *Process) Fact(name string, value func() string) { p.inspector.Fact(name, value) }

// connect makes what speaks to the API server of cfg. It makes no request.
func (p *Process) connect(cfg *rest.Config) (err error) {
	p.Registry = prometheus.NewRegistry()
	p.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	if p.metrics, err = metrics.New(p.Registry); err != nil {
		return err
	}
	p.inspector = debug.New(nil)
	p.Config = p.metrics.Instrument(cfg)
	if p.elector, err = leader.New(p.Config, p.lease, &leader.Options{Logger: p.Logger, LeaseDuration: p.settings.lease}); err != nil {
		return err
	}
	if p.events, err = event.New(p.Config, p.opts.Scheme, p.names.Full, &event.Options{Logger: p.Logger}); err != nil {
		return err
	}
	p.Events = p.events
	p.inspector.Fact("operator", func() string { return p.names.Name + " " + version() })
	if p.settings.leaderElect {
		p.metrics.Leader(p.lease.Name, func() bool { return p.elector.Status().Leading })
		p.inspector.Fact("leader", p.leading)
	}
	return nil
}

// leading says who leads, for the page.
func (p *Process) leading() string {
	s := p.elector.Status()
	switch {
	case s.Leading:
		return fmt.Sprintf("this process, %s, since %s", s.Identity, s.Since.Format("15:04:05"))
	case s.Holder == "":
		return "nobody; this process is " + s.Identity
	default:
		return fmt.Sprintf("%s since %s; this process is %s", s.Holder, s.Since.Format("15:04:05"), s.Identity)
	}
}

// run does what the flags ask for.
func (p *Process) run(ctx context.Context, setup Setup) error {
	if p.settings.manifests != "" {
		return p.writeManifests(setup)
	}
	cfg, err := p.target()
	if err != nil {
		return err
	}
	return p.runAt(ctx, cfg, setup)
}

// runAt works on the API server of cfg.
func (p *Process) runAt(ctx context.Context, cfg *rest.Config, setup Setup) error {
	err := p.connect(cfg)
	if err == nil {
		err = setup(p)
	}
	if err != nil {
		return err
	}
	if len(p.leads)+len(p.each) == 0 {
		return errors.New("there is nothing to run: give the controllers to Lead")
	}
	if p.settings.uninstall {
		return p.uninstall(ctx)
	}
	p.Logger.Info("starting", zap.String("operator", p.names.Full), zap.String("version", version()),
		zap.String("server", p.Config.Host), zap.Strings("namespaces", p.Namespaces))
	return p.serve(ctx, controller.RunnerFunc(p.work))
}

// work runs the runners, and sends the events that are left when they have returned.
func (p *Process) work(ctx context.Context) error {
	return p.events.Run(ctx, slices.Concat(p.each, p.elected(p.leads))...)
}

// elected returns runners that run the given ones on one replica at a time, if that is asked for.
func (p *Process) elected(runners []controller.Runner) []controller.Runner {
	if !p.settings.leaderElect || len(runners) == 0 {
		return runners
	}
	p.elector.Lead(runners...)
	return []controller.Runner{p.elector}
}
