// The program dns stands for the API of a DNS provider, for the tutorial: it keeps records in memory.
//
//	GET    /records       lists the records
//	POST   /records       creates a record, whose id the provider chooses and returns
//	PUT    /records/{id}  creates the record of this id, or replaces it
//	DELETE /records/{id}  deletes it
//	POST   /break         lets all changes fail from now on
//	POST   /repair        lets them succeed again
//
// It listens on 127.0.0.1:8053, or on what -addr says, and ends with Ctrl-C.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8053", "`address` to listen on")
	flag.Parse()
	fmt.Printf("the DNS provider is at http://%s/records\n", *addr)
	log.Fatal(http.ListenAndServe(*addr, newProvider()))
}

// newProvider returns the API of a provider that has no records yet.
func newProvider() http.Handler {
	p := &provider{records: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /records", p.list)
	mux.HandleFunc("POST /records", p.unlessBroken(p.create))
	mux.HandleFunc("PUT /records/{id}", p.unlessBroken(p.put))
	mux.HandleFunc("DELETE /records/{id}", p.unlessBroken(p.remove))
	mux.HandleFunc("POST /break", p.fail(true, "changes fail from now on"))
	mux.HandleFunc("POST /repair", p.fail(false, "changes succeed again"))
	return mux
}

// provider has records by their id: the body of the request that made them, as it is.
type provider struct {
	mu      sync.Mutex
	last    int
	records map[string]string
	broken  atomic.Bool
}

// fail returns a handler that says whether changes fail from now on.
func (p *provider) fail(broken bool, answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		p.broken.Store(broken)
		fmt.Fprintln(w, answer)
	}
}

func (p *provider) unlessBroken(change http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p.broken.Load() {
			http.Error(w, "broken", http.StatusServiceUnavailable)
			return
		}
		change(w, r)
	}
}

func (p *provider) list(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(p.records)) {
		fmt.Fprintln(w, id, p.records[id])
	}
}

func (p *provider) create(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.last++
	id := strconv.Itoa(p.last)
	p.mu.Unlock()
	p.store(id, w, r)
	fmt.Fprint(w, id)
}

func (p *provider) put(w http.ResponseWriter, r *http.Request) { p.store(r.PathValue("id"), w, r) }

func (p *provider) store(id string, w http.ResponseWriter, r *http.Request) {
	record, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records[id] = string(record)
}

func (p *provider) remove(_ http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.records, r.PathValue("id"))
}
