package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metascheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// access is what a user needs a right for.
type access struct {
	verb        string
	resource    schema.GroupResource
	subresource string
	namespace   string
	name        string
	path        string // of what is no resource, which has nothing of the above but a verb
}

// accessTo is the access that a request for a resource wants. The name is the path's; a list
// or a watch that selects one object by its name has that. legacy: the path is one of the
// old kind, on which a selector does not count.
func accessTo(info apirequest.Info, query url.Values, legacy bool) access {
	subresource, _, _ := strings.Cut(info.Subresource, "/")
	a := access{verb: info.Verb, resource: info.Resource.GroupResource(), subresource: subresource, namespace: info.Namespace, name: info.Name}
	if info.Resource.Resource == "namespaces" && info.Namespace == "" {
		a.namespace = info.Name // a namespace is in itself
	}
	if a.name == "" && !legacy && (a.verb == "list" || a.verb == "watch") {
		a.name = selectedName(query)
	}
	return a
}

// selectedName is the name that a query wants objects to have, if it is one.
func selectedName(query url.Values) string {
	options := &metainternalversion.ListOptions{}
	if err := metascheme.ParameterCodec.DecodeParameters(query, metav1.SchemeGroupVersion, options); err != nil || options.FieldSelector == nil {
		return ""
	}
	name, _ := options.FieldSelector.RequiresExactMatch("metadata.name")
	if len(content.IsPathSegmentName(name)) > 0 {
		return ""
	}
	return name
}

// accessToPath is the access that a request for something else than a resource wants.
func accessToPath(r *http.Request) access {
	return access{verb: strings.ToLower(r.Method), path: r.URL.Path}
}

// authorise refuses what a user has no right for. It looks at the roles as they are now;
// what was begun before goes on.
func (s *Server) authorise(u *user, a access) error {
	if u == nil || slices.Contains(u.groups, masters) {
		return nil
	}
	allowed, errs := s.allowed(u, a)
	if allowed {
		return nil
	}
	text := a.refusal(u)
	if len(errs) > 0 {
		text += fmt.Sprintf(": RBAC: %v", utilerrors.NewAggregate(errs))
	}
	return apierrors.NewForbidden(a.resource, a.name, fmt.Errorf("%s", text))
}

// authoriseCreate refuses an apply or an update that would create, if it may not: until then
// it had only to be allowed to change.
func (s *Server) authoriseCreate(w *write) error {
	if w.request == nil || w.verb == "create" {
		return nil
	}
	return s.authorise(w.request.user, access{
		verb: "create", resource: w.resource.gr(), subresource: w.subresource, namespace: w.key.Namespace, name: w.key.Name,
	})
}

var noTags = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// refusal says what a user may not do, so that no browser takes it for HTML.
func (a access) refusal(u *user) string {
	text := fmt.Sprintf("User %q cannot %s ", u.name, a.verb)
	switch {
	case a.path != "":
		text += fmt.Sprintf("path %q", a.path)
	case a.namespace != "":
		text += fmt.Sprintf("resource %q in API group %q in the namespace %q", a.target(), a.resource.Group, a.namespace)
	default:
		text += fmt.Sprintf("resource %q in API group %q at the cluster scope", a.target(), a.resource.Group)
	}
	return noTags.Replace(text)
}

// target names a resource or a subresource, as rules do.
func (a access) target() string {
	if a.subresource == "" {
		return a.resource.Resource
	}
	return a.resource.Resource + "/" + a.subresource
}

// allowedBy reports whether a rule gives a right.
func (a access) allowedBy(rule rbacv1.PolicyRule) bool {
	if !slices.Contains(rule.Verbs, a.verb) && !slices.Contains(rule.Verbs, rbacv1.VerbAll) {
		return false
	}
	if a.path != "" {
		return slices.ContainsFunc(rule.NonResourceURLs, func(url string) bool {
			prefix, open := strings.CutSuffix(url, "*")
			return url == a.path || open && strings.HasPrefix(a.path, prefix)
		})
	}
	isGroup := slices.Contains(rule.APIGroups, a.resource.Group) || slices.Contains(rule.APIGroups, rbacv1.APIGroupAll)
	isResource := slices.ContainsFunc(rule.Resources, func(name string) bool {
		return name == rbacv1.ResourceAll || name == a.target() || a.subresource != "" && name == "*/"+a.subresource
	})
	isNamed := len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, a.name)
	return isGroup && isResource && isNamed
}
