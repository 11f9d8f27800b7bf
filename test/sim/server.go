package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Options are what a [Server] serves and how it behaves.
type Options struct {
	// Kinds are served beside namespaces and CustomResourceDefinitions, which always are.
	Kinds []Kind

	// Namespaces exist from the beginning, beside "default" and "kube-system".
	Namespaces []string

	// Seed determines UIDs and the suffixes of generated names: the same calls in the same order
	// get the same ones. 0 is a seed like any other.
	Seed uint64

	// History is the number of changes of each kind that are kept for watches and for lists at a
	// resourceVersion. 0 means 10,000. A request for an older one is answered with 410.
	History int

	// Latency is how long each request takes before anything happens. In a synctest bubble it
	// is virtual time. 0 means none.
	Latency time.Duration

	// GarbageCollection deletes objects whose owners are gone, and lets deletions with the
	// propagation policies Foreground and Orphan end, as kube-controller-manager does. It
	// begins 100 ms after a change: like the real one, it is not part of the write.
	GarbageCollection bool

	// NamespaceDeletion empties and removes namespaces that are deleted, as
	// kube-controller-manager does, 100 ms later. Without it, a deleted namespace stays
	// Terminating.
	NamespaceDeletion bool

	// Rules compiles the rules of the schema of a CustomResourceDefinition that are not part of the
	// schema: those in CEL (x-kubernetes-validations). It is called when a definition is created or
	// changed, more than once, and returns nil if there are none; with an error the definition is
	// refused. Without Rules they are ignored. The module test/sim/cel has those of the real server.
	Rules func(openAPIV3Schema map[string]any) (Validator, error)

	// OnChange is called with each change that took effect, in their order, before the client
	// gets its answer. The server is locked during the call, so OnChange must not send requests
	// to it.
	OnChange func(Change)
}

// Server is a simulated API server. It is safe for concurrent use. In a synctest bubble it
// must be made in that bubble, and closed before the bubble ends.
type Server struct {
	opts    Options
	store   *store
	root    *Session
	stop    context.CancelFunc
	closed  <-chan struct{}
	done    sync.WaitGroup
	random  *random
	control *controllers // nil: none
	tokens  tokens

	mu        sync.RWMutex
	resources map[schema.GroupVersionResource]*resource
}

// New returns a Server with the kinds and namespaces of opts.
//
// # Errors
//
// A kind that client-go's scheme does not have, and a document that is no valid
// CustomResourceDefinition.
func New(opts Options) (*Server, error) {
	if opts.History == 0 {
		opts.History = 10_000
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // it ends with Close
	s := &Server{
		opts: opts, stop: stop, closed: ctx.Done(), random: newRandom(opts.Seed), resources: map[schema.GroupVersionResource]*resource{},
		store: newStore(opts.History, opts.OnChange),
	}
	s.root = newSession(s, "")
	s.serve(builtins()["namespaces"])
	s.serve(definitions)
	err := s.begin(ctx)
	if err != nil {
		stop()
		return nil, fmt.Errorf("simulated API server: %w", err)
	}
	if opts.GarbageCollection || opts.NamespaceDeletion {
		s.control = s.newControllers()
		s.done.Go(func() { s.control.run(ctx) })
	}
	return s, nil
}

func (s *Server) begin(ctx context.Context) error {
	var errs []error
	for _, kind := range s.opts.Kinds {
		switch {
		case kind.err != nil:
			errs = append(errs, kind.err)
		case kind.builtin != nil:
			s.serve(kind.builtin)
		case kind.definition != nil:
			if err := s.root.make(ctx, definitions, kind.definition); err != nil {
				errs = append(errs, fmt.Errorf("kind %s: %w", kind.name, err))
			}
		default:
			errs = append(errs, errors.New("a Kind that is neither of Core nor of CRD"))
		}
	}
	for _, name := range append([]string{"default", "kube-system"}, s.opts.Namespaces...) {
		if err := s.AddNamespace(name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// AddNamespace creates a namespace, unless it exists.
func (s *Server) AddNamespace(name string) error {
	ns := builtins()["namespaces"]
	if s.store.get(ns.gr(), keyOf("", name)) != nil {
		return nil
	}
	err := s.root.make(context.Background(), //nolint:forbidigo // nothing in it waits
		ns, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
	if err != nil {
		return fmt.Errorf("namespace %q: %w", name, err)
	}
	return nil
}

// Close ends all watches and the server's goroutines. Later requests get an error.
func (s *Server) Close() {
	s.root.Sever()
	s.stop()
	s.done.Wait()
}

// Config returns a configuration for clients of all kinds. Their requests do not leave the
// process, and are not limited in their rate.
func (s *Server) Config() *rest.Config { return s.root.Config() }

// Expire removes the history, as a compaction of etcd does: watches and lists that ask for a
// resourceVersion before now get 410 Expired. Open watches go on.
func (s *Server) Expire() { s.store.forget() }

// Mapping returns how a kind is served, and whether its objects have namespaces; ok is false
// if it is not.
func (s *Server) Mapping(gvk schema.GroupVersionKind) (gvr schema.GroupVersionResource, namespaced, ok bool) {
	for _, r := range s.served() {
		if r.gvk == gvk {
			return r.gvr(), r.namespaced, true
		}
	}
	return gvr, false, false
}

// Resources returns what the server serves, sorted.
func (s *Server) Resources() []schema.GroupResource {
	seen := map[schema.GroupResource]bool{}
	for _, r := range s.served() {
		seen[r.gr()] = true
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b schema.GroupResource) int { return strings.Compare(a.String(), b.String()) })
}

// RV returns the resourceVersion of the newest change.
func (s *Server) RV() uint64 { return s.store.now() }

func (s *Server) serve(r *resource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[r.gvr()] = r
}

func (s *Server) unserve(gr schema.GroupResource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for gvr := range s.resources {
		if gvr.GroupResource() == gr {
			delete(s.resources, gvr)
		}
	}
}

func (s *Server) resource(gvr schema.GroupVersionResource) *resource {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if found := s.resources[gvr]; found != nil {
		return found
	}
	return reviews()[gvr]
}

// known are the resources that the server tells clients of: those that are served, and questions.
func (s *Server) known() []*resource {
	return slices.AppendSeq(s.served(), maps.Values(reviews()))
}

// served are the resources, in no order.
func (s *Server) served() []*resource {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*resource, 0, len(s.resources))
	for _, r := range s.resources {
		out = append(out, r)
	}
	return out
}

// random makes names and uids.
type random struct {
	mu  sync.Mutex
	src *rand.Rand
}

func newRandom(seed uint64) *random { return &random{src: rand.New(rand.NewPCG(seed, 1))} }

// suffix returns five letters as the server appends them to a generateName.
func (r *random) suffix() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	out := make([]byte, 5)
	for i := range out {
		out[i] = letters[r.src.IntN(len(letters))]
	}
	return string(out)
}

func (r *random) uid() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, b := r.src.Uint64(), r.src.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

var (
	_ http.RoundTripper = (*Session)(nil)
	_ http.Handler      = (*Session)(nil)
)
