package event

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	typedeventsv1 "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"

	"github.com/kuberator/kuberator/controller"
)

// Broadcaster is a [Recorder] that sends events to the API server.
//
// Events about the same object (its kind, name and UID), with the same related object and [Reason], are a
// series while less than 6 minutes pass between two of them. A series is one Event in the cluster, with the
// note of the first one: it is written when the first one and the second one are recorded, when the
// series ends, and every 30 minutes. So an operator may record the same in each attempt.
type Broadcaster struct {
	scheme *runtime.Scheme
	name   string
	opts   Options
	sender sender

	mu      sync.Mutex
	current events.EventRecorder // while it runs
}

// New returns a Broadcaster that sends events with a client for cfg. If cfg sets no QPS, the client does
// not limit its rate; but events are sent one after the other. scheme has the Go types of the objects
// that events are about.
//
// name is who reports: a name that is valid as a label, with a domain in front, such as
// "example.com/foo-operator". The name of the instance is made of it and the name of the host.
//
// New makes no request and starts no goroutine.
func New(cfg *rest.Config, scheme *runtime.Scheme, name string, opts *Options) (*Broadcaster, error) {
	if cfg == nil {
		return nil, errors.New("make a Broadcaster of events: the config is nil")
	}
	cfg = rest.CopyConfig(cfg)
	if cfg.QPS == 0 && cfg.RateLimiter == nil {
		cfg.QPS = -1
	}
	client, err := typedeventsv1.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a Broadcaster of events: %w", err)
	}
	return FromClient(client, scheme, name, opts)
}

// FromClient is [New] for a client that is there already, such as EventsV1() of a clientset or of its fake.
func FromClient(client typedeventsv1.EventsV1Interface, scheme *runtime.Scheme, name string, opts *Options) (*Broadcaster, error) {
	if client == nil || scheme == nil {
		return nil, errors.New("make a Broadcaster of events: the client or the scheme is nil")
	}
	if wrong := validation.IsQualifiedName(name); len(wrong) > 0 || len(name) > maxWord {
		return nil, fmt.Errorf("make a Broadcaster of events: the name %q of the reporter is not like example.com/foo-operator, of at most %d bytes: %s", name, maxWord, strings.Join(wrong, "; "))
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("make a Broadcaster of events: %w", err)
	}
	return &Broadcaster{scheme: scheme, name: name, opts: o, sender: sender{client: client, logger: o.Logger, seed: maphash.MakeSeed()}}, nil
}

// Eventf implements [Recorder]. Before Run, and after it has returned, events are dropped, which is
// logged.
func (b *Broadcaster) Eventf(about, related Object, reason Reason, note string, args ...any) {
	n, err := newsOf(b.scheme, about, related, reason, note, args)
	if err != nil {
		b.sender.complain("event not recorded", reason.name, err)
		return
	}
	b.mu.Lock()
	to := b.current
	b.mu.Unlock()
	if to == nil {
		b.sender.complain("event not recorded", reason.name, errNotRunning)
		return
	}
	var other runtime.Object // not one that holds a nil
	if n.related != nil {
		other = n.related
	}
	to.Eventf(n.about, other, reason.eventType, reason.name, reason.Action(), "%s", n.note)
}

var (
	errNotRunning = errors.New("the Broadcaster does not run")
	errFull       = errors.New("too many events wait to be sent")
)

const (
	// handOver is more than client-go needs to hand events over, on goroutines that nobody can wait for.
	// They only compute.
	handOver = 100 * time.Millisecond
	// lastSends is how long events may be sent after the runners have returned.
	lastSends = 5 * time.Second
)

// Run runs the runners, as controller.RunAll does, and sends the events that are recorded meanwhile.
// Without runners it does so until ctx ends.
//
// # Expected flow
//
// When all runners have returned, what has been recorded is sent, for at most 5 seconds: what the last
// attempts had to say arrives too. Give it all controllers that record events; a leader.Elector that runs
// them is one runner.
//
// # Guarantees
//
// After Run has returned, no goroutine that it started is left. It may be called again.
//
// # Errors
//
// Those of the runners. An error at once if it is running already. That events could not be sent is
// logged, and is no error.
func (b *Broadcaster) Run(ctx context.Context, runners ...controller.Runner) error {
	s := newSink(b.opts.Queue, func(reason string) { b.sender.complain("event dropped", reason, errFull) })
	broadcaster := events.NewBroadcaster(s)
	defer broadcaster.Shutdown()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if err := b.begin(broadcaster); err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { b.sender.run(work, s.queue) })
	err := broadcaster.StartRecordingToSinkWithContext(work)
	if err == nil {
		err = b.runAll(ctx, runners)
	}
	b.end()
	time.Sleep(handOver)
	s.close()
	timer := time.AfterFunc(lastSends, cancel)
	defer timer.Stop()
	running.Wait()
	return err
}

func (b *Broadcaster) runAll(ctx context.Context, runners []controller.Runner) error {
	if len(runners) == 0 {
		<-ctx.Done()
		return nil
	}
	return controller.RunAll(ctx, runners...)
}

func (b *Broadcaster) begin(to events.EventBroadcaster) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != nil {
		return fmt.Errorf("run the Broadcaster of events of %s: it is running already", b.name)
	}
	b.current = to.NewRecorder(b.scheme, b.name)
	return nil
}

func (b *Broadcaster) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current = nil
}
