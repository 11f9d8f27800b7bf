package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
)

// user is whom a request impersonates. Who impersonates nobody is an administrator, and has
// no user.
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

// impersonated returns whom a request impersonates, nil if nobody.
func impersonated(header http.Header) (*user, error) {
	name, groups, uid := header.Get("Impersonate-User"), header["Impersonate-Group"], header.Get("Impersonate-Uid")
	switch {
	case name != "":
		u := &user{name: name, groups: slices.Clone(groups)}
		u.join()
		return u, nil
	case len(groups) > 0, uid != "":
		return nil, apierrors.NewBadRequest(fmt.Sprintf(
			"requested &user.DefaultInfo{Name:%q, UID:%q, Groups:%#v, Extra:map[string][]string(nil)} without impersonating a user name", name, uid, groups))
	}
	return nil, nil
}

// join puts a user into the groups in which the server has it without being told. Those of
// service accounts are only for one who names none.
func (u *user) join() {
	if namespace, ok := accountNamespace(u.name); ok && len(u.groups) == 0 {
		u.groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace}
	}
	switch {
	case u.name == anonymous:
		u.groups = append(u.groups, unauthenticated)
	case !slices.Contains(u.groups, unauthenticated):
		u.groups = append(u.groups, authenticated)
	}
}

// accountNamespace is the namespace of a service account, by the name of its user.
func accountNamespace(name string) (namespace string, ok bool) {
	rest, ok := strings.CutPrefix(name, accountPrefix)
	namespace, account, found := strings.Cut(rest, ":")
	ok = ok && found && len(validation.ValidateNamespaceName(namespace, false)) == 0 && len(validation.ValidateServiceAccountName(account, false)) == 0
	return namespace, ok
}
