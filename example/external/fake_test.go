package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kuberator/kuberator/test/explore"
)

// fake is a fake of the provider. A new bucket is ready 10 s later.
type fake struct {
	mu      sync.Mutex
	buckets []remote
	made    map[string]time.Time
	tokens  map[string]string // of creations, to the ID
}

// newFake has a bucket of another cluster, and one whose object nobody knows.
func newFake() *fake {
	return &fake{
		buckets: []remote{{ID: "other", Cluster: "other", Owner: "x"}, {ID: "orphan", Cluster: "test", Namespace: "default", Owner: "y"}},
		made:    map[string]time.Time{}, tokens: map[string]string{},
	}
}

// Snapshot implements explore.External. It has no IDs, since these depend on the order.
func (f *fake) Snapshot() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []string{}
	for _, b := range f.buckets {
		all = append(all, fmt.Sprintf("%s %s/%s %d", b.Cluster, b.Namespace, b.Name, b.SizeGiB))
	}
	slices.Sort(all)
	return all
}

// of returns the object that a request is for.
func (f *fake) of(path string, body remote) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.index(path); i >= 0 {
		body = f.buckets[i]
	}
	return body.Namespace + "/" + body.Name
}

func (f *fake) index(path string) int {
	return slices.IndexFunc(f.buckets, func(b remote) bool { return path == "/buckets/"+b.ID })
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body remote
	_ = json.NewDecoder(r.Body).Decode(&body)
	i := f.index(r.URL.Path)
	switch {
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(f.find(r.FormValue("cluster"), r.FormValue("owner")))
	case r.Method == http.MethodPost && body.SizeGiB > 1000:
		http.Error(w, "too large", http.StatusUnprocessableEntity)
	case r.Method == http.MethodPost:
		_ = json.NewEncoder(w).Encode(f.create(body))
	case i < 0:
		http.Error(w, "no such bucket", http.StatusNotFound)
	case r.Method == http.MethodPatch:
		f.buckets[i].SizeGiB = body.SizeGiB
	case r.Method == http.MethodDelete:
		f.buckets = slices.Delete(f.buckets, i, i+1)
	}
}

func (f *fake) find(cluster, owner string) []remote {
	found := []remote{}
	for _, b := range f.buckets {
		if b.Cluster == cluster && (owner == "" || b.Owner == owner) {
			b.Ready = time.Since(f.made[b.ID]) >= 10*time.Second
			found = append(found, b)
		}
	}
	return found
}

func (f *fake) create(b remote) remote {
	if id, known := f.tokens[b.Token]; known && b.Token != "" {
		if i := f.index("/buckets/" + id); i >= 0 {
			return f.buckets[i]
		}
	}
	b.ID = fmt.Sprintf("b%d", len(f.made))
	f.made[b.ID], f.tokens[b.Token] = time.Now(), b.ID
	f.buckets = append(f.buckets, b)
	return b
}

// transport brings requests to the fake without a socket. What changes something is a call that can fail.
type transport struct{ link *explore.Link }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	f := t.link.System().(*fake)
	answer := httptest.NewRecorder()
	if req.Method == http.MethodGet {
		f.ServeHTTP(answer, req)
		return answer.Result(), nil
	}
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(text))
	var body remote
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, err
	}
	err = t.link.Call(req.Context(), strings.ToLower(req.Method), f.of(req.URL.Path, body), func() error {
		f.ServeHTTP(answer, req)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer.Result(), nil
}
