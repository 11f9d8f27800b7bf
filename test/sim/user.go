package sim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// user is the sender of a request, or the user that it impersonates. An administrator in the
// process has no user, and may do everything.
type user struct {
	name   string
	groups []string
}

const (
	masters         = "system:masters"
	authenticated   = "system:authenticated"
	unauthenticated = "system:unauthenticated"
	anonymous       = "system:anonymous"
	accountPrefix   = "system:serviceaccount:"
)

// newUser returns a user in the groups that it is said to be in, and in those of every such user.
func newUser(name string, groups ...string) *user {
	u := &user{name: name, groups: slices.Clone(groups)}
	u.join()
	return u
}

// nobody is the anonymous user.
func nobody() *user { return &user{name: anonymous, groups: []string{unauthenticated}} }

// impersonated returns the user that a request impersonates, or else its sender.
func (s *Server) impersonated(sender *user, header http.Header) (*user, error) {
	name, groups, uid := header.Get("Impersonate-User"), header["Impersonate-Group"], header.Get("Impersonate-Uid")
	extra := impersonatedExtra(header)
	switch {
	case name != "":
	case len(groups) > 0, uid != "", len(extra) > 0:
		return nil, apierrors.NewBadRequest(fmt.Sprintf(
			"requested &user.DefaultInfo{Name:%q, UID:%q, Groups:%#v, Extra:%#v} without impersonating a user name", name, uid, groups, extra))
	default:
		return sender, nil
	}
	for _, a := range impersonation(name, uid, groups, extra) {
		if err := s.authorise(sender, a); err != nil {
			return nil, err
		}
	}
	return newUser(name, groups...), nil
}

// impersonation is what one who impersonates needs rights for.
func impersonation(name, uid string, groups []string, extra map[string][]string) []access {
	const verb = "impersonate"
	who := access{verb: verb, resource: schema.GroupResource{Resource: "users"}, name: name}
	if namespace, account, ok := accountOf(name); ok {
		who = access{verb: verb, resource: schema.GroupResource{Resource: "serviceaccounts"}, namespace: namespace, name: account}
	}
	all := []access{who}
	for _, group := range groups {
		all = append(all, access{verb: verb, resource: schema.GroupResource{Resource: "groups"}, name: group})
	}
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		for _, value := range extra[key] {
			all = append(all, access{verb: verb, resource: authenticationv1.Resource("userextras"), subresource: key, name: value})
		}
	}
	if uid != "" {
		all = append(all, access{verb: verb, resource: authenticationv1.Resource("uids"), name: uid})
	}
	return all
}

// impersonatedExtra is what else a request says of whom it impersonates; nil if nothing.
func impersonatedExtra(header http.Header) (extra map[string][]string) {
	for key, values := range header {
		if name, ok := strings.CutPrefix(key, "Impersonate-Extra-"); ok {
			if extra == nil {
				extra = map[string][]string{}
			}
			extra[strings.ToLower(name)] = values
		}
	}
	return extra
}

// join puts a user into the groups in which the server has it without being told. Those of
// service accounts are only for one who names none.
func (u *user) join() {
	if namespace, _, ok := accountOf(u.name); ok && len(u.groups) == 0 {
		u.groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace}
	}
	switch {
	case u.name == anonymous:
		u.groups = append(u.groups, unauthenticated)
	case !slices.Contains(u.groups, unauthenticated):
		u.groups = append(u.groups, authenticated)
	}
}

// accountOf is the service account that a user is, by the name of the user.
func accountOf(user string) (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(user, accountPrefix)
	namespace, name, found := strings.Cut(rest, ":")
	ok = ok && found && len(validation.ValidateNamespaceName(namespace, false)) == 0 && len(validation.ValidateServiceAccountName(name, false)) == 0
	return namespace, name, ok
}
