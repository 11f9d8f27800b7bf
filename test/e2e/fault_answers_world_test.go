package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// replaced is what comes in the place of the answer to a write. The real answer is
// nil if the request was not sent on at all.
type replaced func(r *http.Request, answer []byte) (*http.Response, error)

func refused(err *apierrors.StatusError) replaced {
	return func(r *http.Request, _ []byte) (*http.Response, error) { return says(r, err), nil }
}

func broken(err error) replaced {
	return func(*http.Request, []byte) (*http.Response, error) { return nil, err }
}

func body(code int, content, text string) replaced {
	return func(r *http.Request, _ []byte) (*http.Response, error) { return answering(r, code, content, text), nil }
}

const page = "<!DOCTYPE html><html><body>Welcome to the proxy</body></html>"

// answers that leave open whether the write happened, by name.
var unclear = map[string]replaced{
	"500":      refused(apierrors.NewInternalError(errors.New("the store went away"))),
	"503":      refused(apierrors.NewServiceUnavailable("not now")),
	"504":      refused(apierrors.NewTimeoutError("too slow", 0)),
	"timeout":  broken(&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}),
	"eof":      broken(io.ErrUnexpectedEOF),
	"html-502": body(http.StatusBadGateway, "text/html", page),
	"html-200": body(http.StatusOK, "text/html", page),
	"garbage":  body(http.StatusOK, runtime.ContentTypeJSON, page),
	"empty":    body(http.StatusOK, runtime.ContentTypeJSON, ""),
	"truncated": func(r *http.Request, answer []byte) (*http.Response, error) {
		return answering(r, http.StatusOK, runtime.ContentTypeJSON, string(answer[:len(answer)/2])), nil
	},
}

// again makes client-go send the write once more by itself.
func again(r *http.Request, _ []byte) (*http.Response, error) {
	response := says(r, apierrors.NewServiceUnavailable("not now"))
	response.Header.Set("Retry-After", "0")
	return response, nil
}

// write is a kind of write that the operator below makes for each of its widgets.
type write struct {
	name, method string
	path         string // of the object, with the name of the widget in the place of *
	phase        int32
	readBack     bool // by the library, in the same attempt
}

var writes = []write{
	{"finalizer", http.MethodPatch, "/widgets/*", creating, true},
	{"status", http.MethodPatch, "/widgets/*/status", creating, true},
	{"create", http.MethodPost, "/configmaps/*", creating, true},
	{"apply", http.MethodPatch, "/configmaps/*-extra", creating, false},
	{"update", http.MethodPatch, "/configmaps/*", editing, false},
	{"delete", http.MethodDelete, "/configmaps/*-extra", editing, false},
	{"release", http.MethodPatch, "/widgets/*", deleting, true},
}

// The three phases of the test.
const (
	creating int32 = iota
	editing
	deleting
)

// plan is a widget whose write of one kind gets no proper answer, once.
type plan struct {
	write
	fault replaced
	sent  bool // the request got to the server
	ok    bool // the answer says 2xx
	again bool // client-go repeats the write
	fired atomic.Bool
	reads atomic.Int32 // of the object, afterwards and in the same phase
}

func (p *plan) object(widget string) string { return strings.ReplaceAll(p.path, "*", widget) }

// surfaces tells whether the attempt has to fail, since nobody can tell what happened.
func (p *plan) surfaces() bool {
	if p.name == "delete" && p.ok {
		return false // nothing in the answer to a delete matters
	}
	return !p.sent || !p.readBack
}

// lossy is a transport for all plans, by the names of the widgets.
type lossy struct {
	plans map[string]*plan
	phase atomic.Int32
}

func newLossy() *lossy {
	l := &lossy{plans: map[string]*plan{"reference": nil}}
	for _, w := range writes {
		l.plans[w.name+"-again"] = &plan{write: w, fault: again, sent: true, again: true}
		for name, fault := range unclear {
			ok := slices.Contains([]string{"html-200", "garbage", "empty", "truncated"}, name)
			l.plans[w.name+"-"+name] = &plan{write: w, fault: fault, sent: true, ok: ok}
			if unsent := slices.Contains([]string{"500", "timeout", "html-200"}, name); unsent && (!ok || w.name != "delete") {
				l.plans[w.name+"-"+name+"-unsent"] = &plan{write: w, fault: fault, ok: ok}
			}
		}
	}
	return l
}

func (l *lossy) pass(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	of, widget, err := written(r)
	if err != nil {
		return nil, err
	}
	p := l.plans[widget]
	if p == nil || l.phase.Load() != p.phase {
		return next.RoundTrip(r)
	}
	if r.Method == http.MethodGet && p.fired.Load() && strings.HasSuffix(of, strings.TrimSuffix(p.object(widget), "/status")) {
		p.reads.Add(1)
	}
	if r.Method != p.method || !strings.HasSuffix(of, p.object(widget)) || !p.fired.CompareAndSwap(false, true) {
		return next.RoundTrip(r)
	}
	if !p.sent {
		return p.fault(r, nil)
	}
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode > http.StatusCreated {
		return nil, fmt.Errorf("%s was to be done: %s", widget, answer)
	}
	return p.fault(r, answer)
}

// written returns the path of the object and the widget that a write is about.
func written(r *http.Request) (of, widget string, err error) {
	of = r.URL.Path
	if r.Method == http.MethodPost {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return "", "", err
		}
		r.Body = io.NopCloser(bytes.NewReader(data))
		var head metav1.PartialObjectMetadata
		if err := json.Unmarshal(data, &head); err != nil {
			return "", "", err
		}
		of += "/" + head.Name
	}
	return of, strings.TrimSuffix(path.Base(strings.TrimSuffix(of, "/status")), "-extra"), nil
}
