package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// handle answers a request. stranger is who sends one without a token.
func (s *Session) handle(r *http.Request, body []byte, stranger *user) (*http.Response, error) {
	sender, err := s.server.authenticate(r.Header, stranger)
	if err != nil {
		return nil, err
	}
	who, err := s.server.impersonated(sender, r.Header)
	if err != nil {
		return nil, err
	}
	path, legacy := legacyWatch(r.URL.Path)
	info, isResource := apirequest.ParsePath(path)
	if !isResource {
		if err := s.server.authorise(who, accessToPath(r)); err != nil {
			return nil, err
		}
		return s.server.meta(r)
	}
	query, queryErr := url.ParseQuery(r.URL.RawQuery)
	info.Verb = verbOf(r.Method, info.Name, query, legacy)
	if who != nil { // before it is known whether anything of what is asked for exists
		if err := s.server.authorise(who, accessTo(info, query, legacy)); err != nil {
			return nil, err
		}
	}
	if queryErr != nil {
		return nil, apierrors.NewBadRequest(queryErr.Error())
	}
	found := s.server.resource(info.Resource)
	if found == nil {
		return nil, s.server.noResource(info.Resource)
	}
	request := &request{
		ctx: r.Context(), session: s, user: who, resource: found, verb: info.Verb, namespace: info.Namespace, name: info.Name,
		subresource: info.Subresource, query: query, header: r.Header, body: body, contentType: mediaType(r.Header),
		asStored: info.Subresource == "status",
	}
	response, err := s.serve(request)
	if err != nil {
		response, err = failed(err, r.Header)
	}
	if err != nil {
		return nil, err
	}
	for _, warning := range request.warnings {
		response.Header.Add("Warning", "299 - "+strconv.Quote(warning))
	}
	return response, nil
}

// verbOf names what a method asks for. Of one object there is a watch with a selector, and
// on a path of the old kind.
func verbOf(method, name string, query url.Values, legacy bool) string {
	verb := apirequest.VerbOf(method, name, query)
	switch {
	case legacy && method == http.MethodGet:
		return "watch"
	case verb == "watch" && name != "":
		return "get"
	}
	return verb
}

// legacyWatch returns the path of what a watch on a path of the old kind is of:
// /api/v1/watch/namespaces/…
func legacyWatch(path string) (string, bool) {
	parts := strings.SplitN(strings.Trim(path, "/"), "/", 5)
	at := 2
	if parts[0] == "apis" {
		at = 3
	}
	if len(parts) <= at+1 || parts[at] != "watch" {
		return path, false
	}
	return "/" + strings.Join(append(parts[:at:at], parts[at+1:]...), "/"), true
}

// noResource is the answer where no resource is served: in the API groups that are compiled
// in it is that of their router.
func (s *Server) noResource(gvr schema.GroupVersionResource) error {
	if gvr.Group == "" && gvr.Version == "v1" {
		return notRouted(http.StatusNotFound)
	}
	for _, r := range s.known() {
		if r.compiled() && r.gvk.GroupVersion() == gvr.GroupVersion() {
			return notRouted(http.StatusNotFound)
		}
	}
	return errNotServed
}

func notRouted(code int) error {
	return routeError(code, fmt.Sprintf("%d: %s", code, http.StatusText(code)))
}

// serve answers a request for a resource.
func (s *Session) serve(r *request) (*http.Response, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := r.negotiate(); err != nil {
		return nil, err
	}
	if warning := r.resource.rules.deprecated; warning != "" {
		r.warn(warning)
	}
	switch {
	case r.subresource == "scale" && r.resource.custom != nil:
		return s.server.scaleCustom(r)
	case r.subresource == "scale":
		return s.server.scale(r)
	case r.subresource == "token":
		return s.server.requestToken(r)
	case r.resource.review != nil:
		return s.server.review(r)
	}
	switch r.verb {
	case "get":
		return s.server.getOne(r)
	case "list":
		return s.server.list(r)
	case "watch":
		return s.server.watch(r)
	case "create":
		return s.server.create(r)
	case "update":
		return s.server.update(r)
	case "patch":
		return s.server.patch(r)
	case "delete":
		return s.server.delete(r)
	default:
		return s.server.deleteCollection(r)
	}
}

// check refuses requests that fit no resource. The kinds that are compiled in have a router,
// which knows paths and methods; for others the server looks at what a request says.
func (r *request) check() error {
	named, writesOne := r.name != "", r.verb == "update" || r.verb == "patch"
	homeless := r.resource.namespaced && r.namespace == "" && r.verb != "list" && r.verb != "watch"
	verbs := r.subresourceVerbs()
	code := 0
	switch {
	case !r.resource.namespaced && r.namespace != "", verbs == nil, homeless && named:
		code = http.StatusNotFound
	case homeless, !slices.Contains(verbs, r.verb), r.subresource == "" && named && r.verb == "create", !named && writesOne:
		code = http.StatusMethodNotAllowed
	default:
		return nil
	}
	switch {
	case r.resource.compiled():
		return notRouted(code)
	case homeless, !r.resource.namespaced && r.namespace != "":
		return errNotServed
	case code == http.StatusNotFound:
		return apierrors.NewNotFound(r.resource.gr(), r.name)
	case r.verb == "create" && r.subresource == "":
		return nil // the name comes from the object
	case !named && writesOne:
		return apierrors.NewBadRequest("name must be provided")
	}
	return apierrors.NewMethodNotSupported(r.resource.gr(), r.verb)
}

// subresourceVerbs are those of the subresource that a request is for, or of the resource
// itself; nil if there is no such subresource.
func (r *request) subresourceVerbs() []string {
	is := func(gr string) bool { return r.resource.gr().String() == gr }
	switch {
	case r.subresource == "":
		return r.resource.verbs
	case r.subresource == "status" && r.resource.status, r.subresource == "scale" && r.resource.scales():
		return []string{"get", "patch", "update"}
	case r.subresource == "finalize" && is("namespaces"):
		return []string{"update"}
	case r.subresource == "token" && is("serviceaccounts"):
		return []string{"create"}
	}
	return nil
}
