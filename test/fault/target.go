package fault

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// target is which requests a rule is for, apart from their number.
type target struct {
	verbs       []string // nil: all
	everything  bool
	path        string // of what is no resource; with * at its end, a beginning
	resource    schema.GroupResource
	subresource string
	name        string // empty: any
	namespace   string // empty: any
	matching    []func(*http.Request) bool
}

var (
	reads  = []string{"get", "list", "watch"}
	writes = []string{"create", "update", "patch", "delete", "deletecollection"}
)

func newTarget(verb, resource string) (t target, err error) {
	switch {
	case verb == "*":
	case verb == "read":
		t.verbs = reads
	case verb == "write":
		t.verbs = writes
	case slices.Contains(reads, verb), slices.Contains(writes, verb):
		t.verbs = []string{verb}
	default:
		return t, fmt.Errorf("unknown verb %q: there are %s, read, write and *", verb, strings.Join(append(slices.Clone(reads), writes...), ", "))
	}
	name, sub, hasSub := strings.Cut(resource, "/")
	switch {
	case resource == "":
		return t, errors.New("the resource is empty")
	case resource == "*":
		t.everything = true
	case name == "":
		t.path = resource
	case hasSub && sub == "":
		return t, fmt.Errorf("the subresource of %q is empty", resource)
	case strings.ToLower(name) != name || strings.ContainsAny(name, " ,") || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "."):
		return t, fmt.Errorf("%q is not the name of a resource, such as configmaps or deployments.apps", name)
	case name == "*" || !strings.Contains(name, "*"):
		t.resource, t.subresource = schema.ParseGroupResource(name), sub
	default:
		return t, fmt.Errorf("%q: of the names of resources, * stands for all or for nothing", name)
	}
	return t, nil
}

// matches may call the user's code.
func (t *target) matches(x *exchange) bool {
	if t.verbs != nil && !slices.Contains(t.verbs, x.info.Verb) || !t.isFor(x) {
		return false
	}
	if t.namespace != "" && x.info.Namespace != t.namespace || t.name != "" && x.name() != t.name {
		return false
	}
	for _, matches := range t.matching {
		if !matches(x.copy()) {
			return false
		}
	}
	return true
}

func (t *target) isFor(x *exchange) bool {
	switch {
	case t.everything:
		return true
	case t.path != "":
		start, open := strings.CutSuffix(t.path, "*")
		return !x.resource && (x.request.URL.Path == t.path || open && strings.HasPrefix(x.request.URL.Path, start))
	}
	return x.resource && x.info.Subresource == t.subresource && (t.resource.Resource == "*" || t.resource == x.info.Resource.GroupResource())
}
