package e2e_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

var errSevered = errors.New("the process of this client has crashed")

// wire is the connection of one instance of the operator. It counts what passes,
// and can crash the instance at a write.
type wire struct {
	crashAt int
	// delivered tells whether the server still gets that write, and only its answer
	// is lost.
	delivered bool
	dead      chan struct{}

	mu           sync.Mutex
	severed      bool
	writes       int
	mirrorWrites map[string][]string // by name: "PATCH", "PATCH status", ...
	used         sets.Set[string]    // "verb resource"
	forbidden    []string
}

func newWire() *wire {
	return &wire{dead: make(chan struct{}), mirrorWrites: map[string][]string{}, used: sets.New[string]()}
}

func (w *wire) wrap(next http.RoundTripper) http.RoundTripper {
	return &through{w, next}
}

// through is one client's way through the wire; an operator has several clients.
type through struct {
	w    *wire
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *through) RoundTrip(r *http.Request) (*http.Response, error) {
	crash, err := t.w.note(r)
	if err != nil || crash && !t.w.delivered {
		return nil, errors.Join(err, errSevered)
	}
	response, err := t.next.RoundTrip(r)
	if crash {
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			err = errors.Join(err, response.Body.Close())
		}
		t.w.sever()
		return nil, errors.Join(err, errSevered)
	}
	if err == nil && response.StatusCode == http.StatusForbidden {
		err = t.w.refused(r, response)
	}
	return response, err
}

// note counts the request and tells whether the crash is at it.
func (w *wire) note(r *http.Request) (crash bool, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.severed {
		return false, errSevered
	}
	resource, name, sub := parse(r.URL.Path)
	w.used.Insert(verb(r, name) + " " + strings.TrimSuffix(resource+"/"+sub, "/"))
	if r.Method == http.MethodGet {
		return false, nil
	}
	w.writes++
	if resource == "configmirrors" {
		w.mirrorWrites[name] = append(w.mirrorWrites[name], strings.TrimSpace(r.Method+" "+sub))
	}
	if w.writes != w.crashAt {
		return false, nil
	}
	if !w.delivered {
		w.severed = true
		close(w.dead)
	}
	return true, nil
}

// reached tells whether the crash has happened, or is about to.
func (w *wire) reached() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes >= w.crashAt
}

func (w *wire) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.severed = true
	close(w.dead)
}

// refused notes what the role does not allow. That a namespace is being deleted is
// a 403 too.
func (w *wire) refused(r *http.Request, response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.Contains(body, []byte(corev1.NamespaceTerminatingCause)) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forbidden = append(w.forbidden, r.Method+" "+r.URL.Path)
	return nil
}

// writesTo returns the writes to a mirror.
func (w *wire) writesTo(mirror string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.mirrorWrites[mirror]...)
}

// seen returns copies of what was used and what was refused.
func (w *wire) seen() (used sets.Set[string], forbidden []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used.Clone(), append([]string(nil), w.forbidden...)
}

// parse takes /api/v1/[namespaces/ns/]resource[/name[/sub]], or with /apis/group, apart.
func parse(path string) (resource, name, sub string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "api" {
		parts = parts[2:]
	} else {
		parts = parts[3:]
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	parts = append(parts, "", "")
	return parts[0], parts[1], parts[2]
}

// verb returns the verb that RBAC sees.
func verb(r *http.Request, name string) string {
	switch {
	case r.Method == http.MethodPost:
		return "create"
	case r.Method != http.MethodGet:
		return strings.ToLower(r.Method)
	case r.URL.Query().Get("watch") != "":
		return "watch"
	case name == "":
		return "list"
	default:
		return "get"
	}
}
