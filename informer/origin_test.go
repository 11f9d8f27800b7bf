package informer_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// origin is an API server as a reflector sees it: it lists, and streams if it can,
// by namespace, numbers its states, sends bookmarks each minute, can lag behind, go
// back in time, and fall silent with its watches open.
type origin struct {
	repository.Repository[*configMap]
	streams  bool        // it can stream lists
	byStop   bool        // watches end when they are stopped, as those of fakes, and not with their ctx
	bookless bool        // it sends no bookmarks
	bad      func(error) // reports an undecodable object, once somebody listens
	badItem  error       // what every list reports

	mu     sync.Mutex
	rv     int
	objs   map[types.NamespacedName]*configMap
	lag    []*configMap // what a list of any state, "0", has
	taps   map[*tap]bool
	asked  []asked
	refuse func(asked) error // asked before each request
}

// asked is a request.
type asked struct {
	verb, namespace string
	opts            metav1.ListOptions
}

func newOrigin(objs ...*configMap) *origin {
	o := &origin{
		Repository: repoOf(fake.NewClientset()), rv: 100,
		objs: map[types.NamespacedName]*configMap{}, taps: map[*tap]bool{},
	}
	for _, obj := range objs {
		o.set(obj)
	}
	return o
}

// modes runs a test against an origin that streams lists, one that does not, and for
// either with watches that end with their ctx, and with ones that have to be stopped.
func modes(t *testing.T, test func(t *testing.T, o *origin)) {
	t.Helper()
	for name, o := range map[string]*origin{
		"streams":       {streams: true},
		"lists":         {},
		"streams, fake": {streams: true, byStop: true},
		"lists, fake":   {byStop: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fresh := newOrigin(cm("a", "1"), cm("a", "2"))
				fresh.streams, fresh.byStop = o.streams, o.byStop
				test(t, fresh)
			})
		})
	}
}

// serve sends the bookmarks until the test ends.
func (o *origin) serve(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		for ticker := time.NewTicker(time.Minute); ; {
			select {
			case <-ticker.C:
				o.bookmark()
			case <-ctx.Done():
				return
			}
		}
	}()
}

func (o *origin) bookmark() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.bookless {
		o.send(watch.Event{Type: watch.Bookmark, Object: &configMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: o.now()}}}, "")
	}
}

// send must be called with o.mu held. An empty namespace is for everybody.
func (o *origin) send(e watch.Event, namespace string) {
	for t := range o.taps {
		if namespace == "" || t.namespace == "" || t.namespace == namespace {
			t.send(e)
		}
	}
}

func (o *origin) now() string { return strconv.Itoa(o.rv) }

// set writes an object.
func (o *origin) set(obj *configMap) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rv++
	obj = obj.DeepCopy()
	obj.ResourceVersion = o.now()
	kind := watch.Added
	if o.objs[repository.Key(obj)] != nil {
		kind = watch.Modified
	}
	o.objs[repository.Key(obj)] = obj
	o.send(watch.Event{Type: kind, Object: obj}, obj.Namespace)
}

func (o *origin) remove(namespace, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rv++
	key := types.NamespacedName{Namespace: namespace, Name: name}
	obj := o.objs[key].DeepCopy()
	obj.ResourceVersion = o.now()
	delete(o.objs, key)
	o.send(watch.Event{Type: watch.Deleted, Object: obj}, namespace)
}

// others writes n objects of other kinds, which the server counts with.
func (o *origin) others(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rv += n
}

// silence lets the watches that are open now deliver nothing any more.
func (o *origin) silence() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.taps)
}

// snapshot and restore are those of a backup. Open watches are not told.
func (o *origin) snapshot() (int, map[types.NamespacedName]*configMap) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rv, maps.Clone(o.objs)
}

func (o *origin) restore(rv int, objs map[types.NamespacedName]*configMap) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rv, o.objs = rv, objs
}

// count returns how many requests there were.
func (o *origin) count(match func(asked) bool) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range o.asked {
		if match(a) {
			n++
		}
	}
	return n
}

func isProbe(a asked) bool { return a.verb == "list" && a.opts.Limit == 1 }

func isRead(a asked) bool { return !isProbe(a) }

// first returns the first request.
func (o *origin) first() asked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[0]
}

func (o *origin) admit(a asked) error {
	o.mu.Lock()
	o.asked = append(o.asked, a)
	refuse := o.refuse
	o.mu.Unlock()
	if refuse != nil {
		return refuse(a)
	}
	return nil
}

func (o *origin) refuseWith(refuse func(asked) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = refuse
}

func (o *origin) Namespaces() []string { return nil }

func (o *origin) ListerWatcher() cache.ListerWatcher { return o.ListerWatcherIn("") }

func (o *origin) ListerWatcherIn(namespace string) cache.ListerWatcher {
	return &outlet{o, namespace, nil}
}

// outlet is an origin's ListerWatcher of one namespace.
type outlet struct {
	o         *origin
	namespace string
	report    func(error)
}

func (l *outlet) OnUndecodable(report func(error)) { l.o.bad, l.report = report, report }

func (l *outlet) List(metav1.ListOptions) (k8sruntime.Object, error) {
	return nil, errors.New("no ctx")
}

func (l *outlet) Watch(metav1.ListOptions) (watch.Interface, error) { return nil, errors.New("no ctx") }

func (l *outlet) ListWithContext(ctx context.Context, opts metav1.ListOptions) (k8sruntime.Object, error) {
	if err := l.o.admit(asked{"list", l.namespace, opts}); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.report != nil && l.o.badItem != nil {
		l.report(l.o.badItem)
	}
	l.o.mu.Lock()
	defer l.o.mu.Unlock()
	if err := l.o.tooLarge(opts.ResourceVersion); err != nil {
		return nil, err
	}
	list := &corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: l.o.now()}}
	objs := slices.Collect(maps.Values(l.o.objs))
	if opts.ResourceVersion == "0" && l.o.lag != nil {
		objs, list.ResourceVersion = l.o.lag, "50"
	}
	for _, obj := range objs {
		if l.namespace == "" || l.namespace == obj.Namespace {
			list.Items = append(list.Items, *obj)
		}
	}
	return list, nil
}

// tooLarge is how a server answers that has not been there yet.
func (o *origin) tooLarge(rv string) error {
	if n, _ := strconv.Atoi(rv); n <= o.rv {
		return nil
	}
	err := apierrors.NewTimeoutError("Too large resource version", 1)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge}}
	return err
}

func (l *outlet) WatchWithContext(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	if err := l.o.admit(asked{"watch", l.namespace, opts}); err != nil {
		return nil, err
	}
	l.o.mu.Lock()
	defer l.o.mu.Unlock()
	stream := opts.SendInitialEvents != nil && *opts.SendInitialEvents
	if stream && !l.o.streams {
		return nil, apierrors.NewBadRequest("sendInitialEvents is forbidden")
	}
	if stream {
		if err := l.o.tooLarge(opts.ResourceVersion); err != nil {
			return nil, err
		}
	}
	t := &tap{namespace: l.namespace, events: make(chan watch.Event, 1000), byStop: l.o.byStop}
	if !l.o.byStop {
		context.AfterFunc(ctx, t.end)
	}
	from, _ := strconv.Atoi(opts.ResourceVersion)
	for _, obj := range l.o.objs {
		rv, _ := strconv.Atoi(obj.ResourceVersion)
		if (stream || rv > from) && (l.namespace == "" || l.namespace == obj.Namespace) {
			t.send(watch.Event{Type: watch.Added, Object: obj})
		}
	}
	if stream {
		t.send(watch.Event{Type: watch.Bookmark, Object: &configMap{ObjectMeta: metav1.ObjectMeta{
			ResourceVersion: l.o.now(), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
		}}})
	}
	l.o.taps[t] = true
	return t, nil
}

// tap is an open watch.
type tap struct {
	namespace string
	byStop    bool
	mu        sync.Mutex
	events    chan watch.Event
	ended     bool
}

func (t *tap) ResultChan() <-chan watch.Event { return t.events }

func (t *tap) Stop() {
	if t.byStop {
		t.end()
	}
}

func (t *tap) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.ended = true
		close(t.events)
	}
}

func (t *tap) send(e watch.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.events <- watch.Event{Type: e.Type, Object: e.Object.DeepCopyObject()}
	}
}

// diary is a handler that writes down what it is told, and that it is told by one
// goroutine at a time.
type diary struct {
	cache.TypedResourceEventHandlerFuncs[*configMap]
	busy chan struct{}
	gone map[string]*configMap // as they were told to be when they went

	mu     sync.Mutex
	events []string
	errs   []error
}

func newDiary() *diary {
	return &diary{busy: make(chan struct{}, 1), gone: map[string]*configMap{}}
}

func (d *diary) note(event string) {
	select {
	case d.busy <- struct{}{}:
	default:
		panic("called by two goroutines at once: " + event)
	}
	time.Sleep(time.Nanosecond) // of the bubble's time: whoever else can run does
	d.mu.Lock()
	d.events = append(d.events, event)
	d.mu.Unlock()
	<-d.busy
}

func (d *diary) OnAdd(c *configMap, _ bool) { d.note("added " + c.Namespace + "/" + c.Name) }

func (d *diary) OnUpdate(_, c *configMap) { d.note("updated " + c.Namespace + "/" + c.Name) }

func (d *diary) OnDelete(c cache.DeletedObject[*configMap]) {
	d.note("deleted " + c.GetKey())
	d.gone[c.GetKey()] = c.OptionalObj
}

func (d *diary) OnError(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errs = append(d.errs, err)
}

// read returns what was told since the last call, sorted.
func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	events := d.events
	d.events = nil
	slices.Sort(events)
	return events
}

func (d *diary) errors() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	errs := d.errs
	d.errs = nil
	return errs
}

// subscribed runs an informer over o, and lets it sync. The subscription ends with
// the test.
func subscribed(t *testing.T, repo repository.Repository[*configMap], opts *informer.Options) (*informer.Informer[*configMap], *diary, *informer.Subscription[*configMap]) {
	t.Helper()
	in, err := informer.New(repo, opts)
	require.NoError(t, err)
	d := newDiary()
	sub, err := in.Subscribe(t.Context(), d)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sub.Stop()) })
	time.Sleep(time.Second)
	synctest.Wait()
	return in, d, sub
}

// stale returns the StaleError in the chain, and the step around it.
func stale(t *testing.T, err error) (*informer.StaleError, *kerr.Error) {
	t.Helper()
	step, ok := errors.AsType[*kerr.Error](err)
	require.True(t, ok)
	found, ok := errors.AsType[*informer.StaleError](err)
	require.True(t, ok)
	return found, step
}
