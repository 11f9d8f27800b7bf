package informer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/repository"
)

// errExpired makes the reflector ask for everything as of now.
var errExpired = apierrors.NewResourceExpired("a probe found the cache stale")

// source is what client-go's reflector lists and watches: a ListerWatcher of the repository, with
// the selectors added to every request, that never accepts an old state for a start, and that can
// be made to start again.
type source struct {
	lw   cache.ListerWatcher
	with cache.ListerWatcherWithContext
	opts Options
	// onList is called before everything is asked for, as of now or of a time that is not older
	// than what was seen. nil is none.
	onList func()
	// onSilent is called with failures that client-go tries again without a word. nil is none.
	onSilent func(error)

	mu      sync.Mutex
	expired bool
	failed  bool               // the last request was answered with an error
	list    context.CancelFunc // of the list that is being read, or was last
	watch   context.CancelFunc // of the watch, and what it returned
	stream  watch.Interface
}

func newSource(lw cache.ListerWatcher, opts Options) *source {
	nothing := func() {}
	return &source{lw: lw, with: cache.ToListerWatcherWithContext(lw), opts: opts, list: nothing, watch: nothing}
}

// asked returns the options as they are sent.
func (s *source) asked(o metav1.ListOptions) metav1.ListOptions {
	if s.opts.LabelSelector != nil {
		o.LabelSelector = s.opts.LabelSelector.String()
	}
	if s.opts.FieldSelector != nil {
		o.FieldSelector = s.opts.FieldSelector.String()
	}
	// "0" is any state that the API server has in its memory, and it may lag behind;
	// "" is the state as of now. The reflector says "0" where it cannot stream lists.
	if o.ResourceVersion == "0" {
		o.ResourceVersion = ""
	}
	return o
}

// List is the half of client-go's interface that the reflector does not use.
func (s *source) List(o metav1.ListOptions) (runtime.Object, error) {
	return s.lw.List(s.asked(o)) //nolint:staticcheck // the old half of client-go's interface
}

// Watch is the half of client-go's interface that the reflector does not use.
func (s *source) Watch(o metav1.ListOptions) (watch.Interface, error) {
	return s.lw.Watch(s.asked(o)) //nolint:staticcheck // the old half of client-go's interface
}

// ListWithContext lists, unless what is asked for has expired.
func (s *source) ListWithContext(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	o = s.asked(o)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.begin(&s.list, cancel, o.ResourceVersion == ""); err != nil {
		return nil, err
	}
	s.listing(o.Continue == "")
	list, err := ask(ctx, s, newPatience(false), func() (runtime.Object, error) { return s.with.ListWithContext(ctx, o) })
	return list, s.end(err)
}

// WatchWithContext watches, unless what is asked for has expired. It returns the
// repository's own watch: nothing stands between that and the reflector.
func (s *source) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	o = s.asked(o)
	ctx, cancel := context.WithCancel(ctx)
	lists := o.SendInitialEvents != nil && *o.SendInitialEvents
	if err := s.begin(&s.watch, cancel, lists && o.ResourceVersion == ""); err != nil {
		cancel()
		return nil, err
	}
	s.listing(lists)
	stream, err := ask(ctx, s, newPatience(lists), func() (watch.Interface, error) { return s.with.WatchWithContext(ctx, o) })
	if err := s.end(err); err != nil {
		cancel()
		return nil, s.heard(lists, err)
	}
	s.mu.Lock()
	s.stream = stream
	expired := s.expired // meanwhile, when there was nothing to stop yet
	s.mu.Unlock()
	if expired {
		stream.Stop()
	}
	return stream, nil
}

// heard makes up for how the reflector takes the failure of a watch. It tries again without telling
// anybody if the server refuses the connection, or asks to wait; and a stream of everything that has
// expired, which no server should say, it asks for again at once, for ever.
func (s *source) heard(lists bool, err error) error {
	if s.onSilent != nil && unreachable(err) {
		s.onSilent(err)
	}
	if lists && (apierrors.IsResourceExpired(err) || apierrors.IsGone(err)) && !errors.Is(err, errExpired) {
		return fmt.Errorf("the server does not list what there is now: %s", err.Error()) // %s, as it must not be found
	}
	return err
}

func (s *source) listing(everything bool) {
	if everything && s.onList != nil {
		s.onList()
	}
}

// begin notes how to end the request that is to be made, in the place of the one
// before it, which is over. After expire it lets pass only requests for everything
// as of now (fresh): the reflector asks for that when it is told that what it asked
// for has expired, be it with a list or with a stream.
func (s *source) begin(end *context.CancelFunc, cancel context.CancelFunc, fresh bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expired && !fresh {
		return errExpired
	}
	s.expired, s.failed = false, false
	(*end)()
	*end = cancel
	return nil
}

// end notes how a request was answered, and returns the error to pass on: a request that
// expire ended has expired.
func (s *source) end(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err != nil
	if s.failed && s.expired {
		return errExpired
	}
	return err
}

// asking reports whether a request is under way, or was answered without an error.
func (s *source) asking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.failed
}

// expire ends what is being read and makes the reflector list everything again. Most watches end
// with their ctx; those of fakes do when they are stopped.
func (s *source) expire() {
	s.mu.Lock()
	s.expired = true
	list, stop, stream := s.list, s.watch, s.stream
	s.mu.Unlock()
	list()
	stop()
	if stream != nil {
		stream.Stop()
	}
}

// OnUndecodable passes on that the repository is tolerant.
func (s *source) OnUndecodable(report func(error)) {
	if tolerant, ok := s.lw.(repository.Tolerant); ok {
		tolerant.OnUndecodable(report)
	}
}

// IsWatchListSemanticsUnSupported passes on what a client-go fake says of itself:
// that it cannot stream lists. A reflector that tries would never sync.
func (s *source) IsWatchListSemanticsUnSupported() bool {
	f, ok := s.lw.(interface{ IsWatchListSemanticsUnSupported() bool })
	return ok && f.IsWatchListSemanticsUnSupported()
}
