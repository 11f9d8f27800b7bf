// Package server serves Widgets over HTTP on the loopback interface, as far as a
// cache needs it: one list, and one watch that sends the updates it is asked for.
package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// Options say what a [Server] serves.
type Options struct {
	// Count is the number of Widgets.
	Count int
	// Size is that of each.
	Size Size
	// Others answers requests for anything but Widgets. nil means that there is nothing else.
	Others http.Handler
	// NoStreaming refuses to send the initial objects through the watch (WatchList),
	// which API servers do by default since 1.35. Clients then send a list request.
	NoStreaming bool
}

// Size is the size of a Widget.
type Size int

// The sizes, as JSON.
const (
	Small Size = iota // 0.7 kB
	Bare              // 0.3 kB: names, a finalizer and an empty spec; a deep copy of it is 2 allocations
	Large             // 2 kB, half of which are managedFields
)

// Server is the state of the API. Its resourceVersions only grow.
type Server struct {
	opts           Options
	whole, partial template
	http           *httptest.Server
	updates        chan int

	mu                   sync.Mutex
	revision, generation int64
}

// chunk is how many bytes are collected before they are written.
const chunk = 64 << 10

// New starts a server. End it with Close.
func New(opts Options) (*Server, error) {
	example := example(opts.Size)
	whole, err := newTemplate("Widget", widget.GroupVersion().String(), example)
	if err != nil {
		return nil, err
	}
	partial, err := newTemplate("PartialObjectMetadata", metav1.SchemeGroupVersion.String(), metadataOf(example))
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, whole: whole, partial: partial, updates: make(chan int), revision: 1000, generation: 1}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s, nil
}

// URL returns the address of the server.
func (s *Server) URL() string { return s.http.URL }

// Close ends the server. Its clients must have gone.
func (s *Server) Close() { s.http.Close() }

// Update changes the spec of the first n Widgets of the server at url: the one watch that is open gets an event about
// each. It returns when the server begins to send them.
func Update(ctx context.Context, url string, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/update?n="+strconv.Itoa(n), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("update of %d objects: %s", n, resp.Status)
	}
	return nil
}

func (v view) update(ctx context.Context, w http.ResponseWriter, n string) {
	s := v.server
	count, err := strconv.Atoi(n)
	if err != nil || count > v.count {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	select {
	case s.updates <- count:
	case <-ctx.Done():
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	v, path := s.view(r)
	query := r.URL.Query()
	streaming := query.Get("sendInitialEvents") == "true"
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	all := "/apis/" + widget.GroupVersion().String() + "/widgets"
	i, one := index(path)
	switch {
	case path == "/update":
		v.update(r.Context(), w, query.Get("n"))
	case r.Method == http.MethodGet && one && i < v.count:
		v.get(w, i)
	case s.opts.Others != nil && !strings.HasPrefix(path, "/apis/"+widget.GroupVersion().Group+"/"):
		s.opts.Others.ServeHTTP(w, r)
	case r.Method != http.MethodGet || path != all:
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound, "there is nothing but Widgets: "+r.URL.Path)
	case query.Get("watch") != "true" && query.Get("watch") != "1":
		v.list(w)
	case streaming && s.opts.NoStreaming:
		refuse(w, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "sendInitialEvents is forbidden")
	default:
		v.watch(r.Context(), w, streaming)
	}
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	status := metav1.Status{Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message}
	status.APIVersion, status.Kind = "v1", "Status"
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(status)
}

// now returns the current state, after it advanced by so many revisions.
func (s *Server) now(advance int) (revision, generation int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if advance > 0 {
		s.generation++
	}
	s.revision += int64(advance)
	return s.revision, s.generation
}

// index returns which Widget a path is that of.
func index(path string) (i int, ok bool) {
	name := path[strings.LastIndexByte(path, '/')+1:]
	i, err := strconv.Atoi(strings.TrimPrefix(name, "widget-"))
	return i, err == nil && Key(i).Name == name
}

// get is what an operator asks for that has just begun to lead.
func (v view) get(w http.ResponseWriter, i int) {
	revision, generation := v.server.now(0)
	_, _ = w.Write(v.append(nil, i, revision, generation))
}

func (v view) list(w http.ResponseWriter) {
	revision, generation := v.server.now(0)
	out := writer{w: w}
	out.buf = append(out.buf, `{"kind":"`+v.kind+`List","apiVersion":"`+v.version+`","metadata":{"resourceVersion":"`+strconv.FormatInt(revision, 10)+`"},"items":[`...)
	for i := range v.count {
		if i > 0 {
			out.buf = append(out.buf, ',')
		}
		out.buf = v.append(out.buf, i, revision, generation)
		out.write(chunk)
	}
	out.buf = append(out.buf, "]}\n"...)
	out.write(1)
}

func (v view) watch(ctx context.Context, w http.ResponseWriter, streaming bool) {
	out, s := writer{w: w, flush: http.NewResponseController(w).Flush}, v.server
	revision, generation := s.now(0)
	if streaming {
		for i := range v.count {
			v.event(&out, "ADDED", i, revision, generation)
		}
		out.buf = append(out.buf, `{"type":"BOOKMARK","object":{"kind":"`+v.kind+`","apiVersion":"`+v.version+
			`","metadata":{"resourceVersion":"`+strconv.FormatInt(revision, 10)+`","annotations":{"`+metav1.InitialEventsAnnotationKey+`":"true"}}}}`+"\n"...)
	}
	out.write(0)
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-s.updates:
			last, generation := s.now(n)
			for i := range n {
				v.event(&out, "MODIFIED", i, last-int64(n)+int64(i)+1, generation)
			}
			out.write(0)
		}
	}
}

func (v view) event(out *writer, verb string, i int, revision, generation int64) {
	out.buf = append(out.buf, `{"type":"`...)
	out.buf = append(out.buf, verb...)
	out.buf = append(out.buf, `","object":`...)
	out.buf = v.append(out.buf, i, revision, generation)
	out.buf = append(out.buf, "}\n"...)
	out.write(chunk)
}

// writer collects bytes. A client that has gone ends the request's ctx, so that
// errors need no attention.
type writer struct {
	w     http.ResponseWriter
	flush func() error
	buf   []byte
}

// write sends what was collected, if it is enough.
func (o *writer) write(enough int) {
	if len(o.buf) < enough {
		return
	}
	_, _ = o.w.Write(o.buf)
	if o.flush != nil {
		_ = o.flush()
	}
	o.buf = o.buf[:0]
}
