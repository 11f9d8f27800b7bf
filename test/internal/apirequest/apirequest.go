// Package apirequest reads from an HTTP request what it asks an API server for: the part of
// a server that a simulator, faults and a trace have in common.
package apirequest

import (
	"net/http"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Info is what a request for a resource asks for.
type Info struct {
	Verb        string // as RBAC names it
	Resource    schema.GroupVersionResource
	Subresource string
	Namespace   string // empty: all, or the resource has none
	Name        string // empty: a collection
}

// Key is the object's namespace and name.
func (i Info) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: i.Namespace, Name: i.Name}
}

// Writes reports whether the request asks for a change.
func (i Info) Writes() bool {
	switch i.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return false
}

// Parse reads a request; ok is false if it asks for something else than a resource, such as
// the server's version or what it serves.
func Parse(r *http.Request) (info Info, ok bool) {
	info, ok = ParsePath(r.URL.Path)
	info.Verb = VerbOf(r.Method, info.Name, r.URL.Query())
	return info, ok
}

// ParsePath reads /api/v1/… and /apis/GROUP/VERSION/…; ok is false for other paths.
func ParsePath(path string) (info Info, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		info.Resource.Version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		info.Resource.Group, info.Resource.Version, parts = parts[1], parts[2], parts[3:]
	default:
		return info, false
	}
	// A namespace is a resource too, with subresources of its own.
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
		info.Namespace, parts = parts[1], parts[2:]
	}
	info.Resource.Resource = parts[0]
	if len(parts) > 1 {
		info.Name = parts[1]
	}
	if len(parts) > 2 {
		info.Subresource = strings.Join(parts[2:], "/")
	}
	return info, true
}

// VerbOf names what a method asks for; it is empty if nothing.
func VerbOf(method, name string, query url.Values) string {
	switch {
	case method == http.MethodPost:
		return "create"
	case method == http.MethodPut:
		return "update"
	case method == http.MethodPatch:
		return "patch"
	case method == http.MethodDelete && name == "":
		return "deletecollection"
	case method == http.MethodDelete:
		return "delete"
	case method == http.MethodGet && IsTrue(query.Get("watch")):
		return "watch"
	case method == http.MethodGet && name == "":
		return "list"
	case method == http.MethodGet:
		return "get"
	}
	return ""
}

// IsTrue reads a flag of a query.
func IsTrue(value string) bool { return value == "true" || value == "1" }
