package event

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record/util"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/internal/pace"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/internal/safelog"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Broadcaster is a [Recorder] that sends events to the API server.
//
// Events about the same object (its kind, name and UID), with the same related object and [Reason], are a
// series while less than 6 minutes pass between two of them. A series is one Event in the cluster, with the
// note of the first one: it is written when the first one and the second one are recorded, when the series
// ends, every 30 minutes, and when Run ends. So an operator may record the same in each attempt.
//
// What cannot be written for the moment is sent again for two minutes; what is refused is not. What was given
// up is tried again when it is recorded again, after 6 minutes at the earliest. The order of Events is not that
// in which they were recorded; their times are.
type Broadcaster struct {
	scheme   *runtime.Scheme
	name     string
	instance string
	opts     Options
	repo     *repository.Live[*eventsv1.Event]
	seed     maphash.Seed
	said     pace.Repeats

	mu      sync.Mutex
	line    *line // while it runs and has not ended
	running bool
	table   table
	named   int64 // the time in the name of the last Event: two of an instant have two names
	waiting int   // series that are queued
	closing bool
	drained func() // is called once, when closing and nothing is waiting
}

// New returns a Broadcaster that sends events with a client for cfg, like one of repository.New. scheme has the
// Go types of the objects that events are about.
//
// name is who reports: a name that is valid as a label, with a domain in front, such as
// "example.com/foo-operator". The name of the instance is made of it and the name of the host.
//
// New makes no request and starts no goroutine.
func New(cfg *rest.Config, scheme *runtime.Scheme, name string, opts *Options) (*Broadcaster, error) {
	types := runtime.NewScheme()
	err := eventsv1.AddToScheme(types)
	if err != nil {
		return nil, fmt.Errorf("make a Broadcaster of events: %w", err)
	}
	repo, err := repository.New[eventsv1.Event](cfg, types, eventsv1.SchemeGroupVersion.WithResource("events"))
	if err != nil {
		return nil, fmt.Errorf("make a Broadcaster of events: %w", err)
	}
	return FromRepository(repo, scheme, name, opts)
}

// FromRepository is [New] with a repository, such as one of a clientset, or of its fake:
//
//	repository.FromClient(cs, eventsv1.SchemeGroupVersion.WithKind("Event"), cs.EventsV1().Events)
func FromRepository(repo *repository.Live[*eventsv1.Event], scheme *runtime.Scheme, name string, opts *Options) (*Broadcaster, error) {
	if repo == nil || scheme == nil {
		return nil, errors.New("make a Broadcaster of events: the repository or the scheme is nil")
	}
	if wrong := validation.IsQualifiedName(name); len(wrong) > 0 || len(name) > maxWord {
		return nil, fmt.Errorf("make a Broadcaster of events: the name %q of the reporter is not like example.com/foo-operator, of at most %d bytes: %s", name, maxWord, strings.Join(wrong, "; "))
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("make a Broadcaster of events: %w", err)
	}
	host, _ := os.Hostname() // it is only shown
	instance := name + "-" + cmp.Or(host, "unknown")
	return &Broadcaster{
		scheme: scheme, name: name, instance: instance[:min(len(instance), maxWord)], opts: o, repo: repo,
		seed: maphash.MakeSeed(), table: newTable(o.Series),
	}, nil
}

// Eventf implements [Recorder]. Before Run, and after it has returned, events are dropped, which is
// logged.
func (b *Broadcaster) Eventf(about, related Object, reason Reason, note string, args ...any) {
	n, err := newsOf(b.scheme, about, related, reason, note, args)
	if err == nil {
		err = b.record(n)
	}
	if err != nil {
		b.complain("event not recorded", reason.name, err)
	}
}

func (b *Broadcaster) record(n news) error {
	same := sameness{about: *n.about, reason: n.reason}
	if n.related != nil {
		same.related = *n.related
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == nil {
		return errNotRunning
	}
	now := time.Now()
	due, ok := b.table.record(same, now, func() *eventsv1.Event { return b.event(n, now) })
	if !ok {
		return errFull
	}
	b.enqueue(b.line, due...)
	return nil
}

// enqueue puts series in line. It must be called with b.mu held.
func (b *Broadcaster) enqueue(to *line, all ...*series) {
	for _, s := range all {
		if !s.queued {
			s.queued = true
			b.waiting++
			to.Add(s, changed{}, queue.Change)
		}
	}
}

// event is the first of a series. It must be called with b.mu held.
func (b *Broadcaster) event(n news, now time.Time) *eventsv1.Event {
	b.named = max(b.named+1, now.UnixNano())
	namespace := n.about.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault // where the API server wants those of objects without one
	}
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: util.GenerateEventName(n.about.Name, b.named)},
		EventTime:  metav1.NewMicroTime(now), ReportingController: b.name, ReportingInstance: b.instance,
		Type: n.reason.eventType, Reason: n.reason.name, Action: n.reason.Action(), Regarding: *n.about, Related: n.related, Note: n.note,
	}
}

// lastSends is how long events may be sent after the runners have returned.
const lastSends = 5 * time.Second

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
// After Run has returned, no goroutine that it started is left, and nothing is sent. It may be called again.
//
// # Errors
//
// Those of the runners. An error at once if it is running already. That events could not be sent is
// logged, and is no error.
func (b *Broadcaster) Run(ctx context.Context, runners ...controller.Runner) error {
	to := newLine()
	if err := b.begin(to); err != nil {
		return err
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var running sync.WaitGroup
	for range senders {
		running.Go(func() { b.send(work, to) })
	}
	running.Go(func() { b.sweep(work, to) })
	err := b.runAll(ctx, runners)
	select {
	case <-b.end(to):
	case <-time.After(lastSends):
	}
	cancel()
	to.ShutDown()
	running.Wait()
	b.over()
	return err
}

func (b *Broadcaster) runAll(ctx context.Context, runners []controller.Runner) error {
	if len(runners) == 0 {
		<-ctx.Done()
		return nil
	}
	return controller.RunAll(ctx, runners...)
}

func (b *Broadcaster) begin(to *line) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running {
		return fmt.Errorf("run the Broadcaster of events of %s: it is running already", b.name)
	}
	b.running, b.line, b.closing, b.waiting, b.table = true, to, false, 0, newTable(b.opts.Series)
	return nil
}

// end refuses what is recorded from now on, and puts in line what the server does not know yet. Nothing is left
// of that when the channel is closed.
func (b *Broadcaster) end(to *line) (sent <-chan struct{}) {
	done := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line, b.closing = nil, true
	b.drained = sync.OnceFunc(func() { close(done) })
	b.enqueue(to, b.table.unsent(time.Now(), true)...)
	if b.waiting == 0 {
		b.drained()
	}
	return done
}

func (b *Broadcaster) over() {
	b.mu.Lock()
	lost := b.waiting
	b.running, b.table = false, newTable(b.opts.Series)
	b.mu.Unlock()
	if lost > 0 {
		b.opts.Logger.Warn("events not sent: the process ends", zap.Int("events", lost))
	}
}

// complain logs what could not be done with an event, the same once a minute. The reason is a word of the
// operator's code.
func (b *Broadcaster) complain(message, reason string, err error) {
	class, word := kerr.ClassOf(err).String(), kerr.Text(reason, maxWord)
	repeated, unsaid := b.said.Again(b.seed, message+" "+word, class, time.Now())
	if repeated {
		return
	}
	b.opts.Logger.Warn(message, zap.String("reason", word), zap.Int("sameBefore", unsaid), zap.String("class", class), safelog.Error(err))
}
