package sim

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// issuer is the audience for which a token is good here.
const issuer = "https://kubernetes.default.svc"

// grant is what a bearer token stands for.
type grant struct {
	user    *user
	expires time.Time // zero: never
	bound   []bond    // the objects with which it ends
	foreign bool      // it is for another audience
}

// bond is an object without which a token is worth nothing.
type bond struct {
	gr  schema.GroupResource
	key types.NamespacedName
	uid types.UID
}

// bond returns an object that exists as one.
func (s *Server) bond(gr schema.GroupResource, key types.NamespacedName) (bond, error) {
	rec := s.store.get(gr, key)
	if rec == nil {
		return bond{}, apierrors.NewNotFound(gr, key.Name)
	}
	return bond{gr: gr, key: key, uid: rec.view().GetUID()}, nil
}

// tokens are those that a server has given out.
type tokens struct {
	mu    sync.Mutex
	given map[string]grant
}

// give returns a new token. It cannot be guessed, since a server may be served over a network.
func (t *tokens) give(what grant) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.given == nil {
		t.given = map[string]grant{}
	}
	text := rand.Text()
	t.given[text] = what
	return text
}

func (t *tokens) find(text string) (grant, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.given[text]
	return found, ok
}

// Token returns a bearer token, for [rest.Config].BearerToken, with which a client is that
// user: with the rights that the Roles on the server give it and its groups. It does not
// expire. A member of "system:masters" may do everything. Service accounts have tokens of
// their own, which a client requests as from a real server.
func (s *Server) Token(name string, groups ...string) string {
	return s.tokens.give(grant{user: newUser(name, groups...)})
}

// authenticate returns who sends a request: the user of its bearer token; the stranger if it has
// no credentials; the anonymous user if it has other ones than a token, or an empty token, which
// a server passes over. A token that is not known, or no longer good, is refused.
func (s *Server) authenticate(header http.Header, stranger *user) (*user, error) {
	text := header.Get("Authorization")
	if text == "" {
		return stranger, nil
	}
	scheme, bearer, _ := strings.Cut(text, " ")
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" || bearer[0] == ' ' {
		return nobody(), nil
	}
	if found, ok := s.tokens.find(strings.TrimSpace(bearer)); ok && s.honours(found) {
		return found.user, nil
	}
	return nil, apierrors.NewUnauthorized("Unauthorized")
}

// honours reports whether a token that was given out is still good.
func (s *Server) honours(t grant) bool {
	if t.foreign || !t.expires.IsZero() && !time.Now().Before(t.expires) {
		return false
	}
	return !slices.ContainsFunc(t.bound, func(b bond) bool {
		now, err := s.bond(b.gr, b.key)
		return err != nil || now != b
	})
}
