package server

import (
	"net/http"
	"strconv"
	"strings"
)

// first begins the path of a client that sees the first Widgets only.
const first = "/first/"

// First returns the address of the server at url for who is to see only the first n Widgets.
func First(url string, n int) string { return url + first + strconv.Itoa(n) }

// view is what a client sees.
type view struct {
	template

	server *Server
	count  int
}

// view returns what is seen by the client that sent r, and what the request is for.
func (s *Server) view(r *http.Request) (v view, path string) {
	v, path = view{s.whole, s, s.opts.Count}, r.URL.Path
	if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") {
		v.template = s.partial
	}
	if rest, ok := strings.CutPrefix(path, first); ok {
		n, rest, _ := strings.Cut(rest, "/")
		count, err := strconv.Atoi(n)
		if err == nil {
			v.count, path = min(count, v.count), "/"+rest
		}
	}
	return v, path
}
