package operator

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	authentication "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorization "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/internal/credentials"
	"github.com/kuberator/kuberator/internal/safelog"
)

// How long an answer of the API server is good. They are those of the delegating authorizers of Kubernetes,
// but that a refusal is kept for as long as it takes to grant the right.
const (
	allowedFor = 2 * time.Minute
	refusedFor = 10 * time.Second
	askFor     = 10 * time.Second
	remembered = 1024
	// atOnce is how many are reviewed at a time, and waiting how many wait for that: tokens that somebody
	// makes up must not become a flood of requests for the API server, nor keep others waiting. Who was let in
	// during the last hour does not wait for those who were not.
	atOnce   = 4
	waiting  = 64
	knownFor = time.Hour
)

// guard lets the API server decide who may read a path: it reviews the token of the request, and whether its
// user may "get" the path, as a rule for nonResourceURLs allows.
type guard struct {
	tokens authentication.TokenReviewInterface
	access authorization.SubjectAccessReviewInterface
	// Answers, and who was let in, by question. Each has a memory of its own: refusals must not displace others.
	granted, refused, known *cache.LRUExpireCache
	friends, strangers      *lane
	tell                    func(error)
}

// lane is who may ask the API server.
type lane struct{ asking, waiting chan struct{} }

func newLane() *lane {
	return &lane{make(chan struct{}, atOnce), make(chan struct{}, waiting)}
}

// errBusy is for those for whom there is no place to wait.
var errBusy = errors.New("too many ask for metrics with tokens that are not known")

// enter waits for a place, until leave is called.
func (l *lane) enter(ctx context.Context) (leave func(), err error) {
	select {
	case l.waiting <- struct{}{}:
		defer func() { <-l.waiting }()
	default:
		return nil, errBusy
	}
	select {
	case l.asking <- struct{}{}:
		return func() { <-l.asking }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// question is the key of an answer. The token is not kept.
type question struct {
	token [sha256.Size]byte
	path  string
}

func newGuard(cfg *rest.Config, logger *zap.Logger) (*guard, error) {
	cfg, err := credentials.Follow(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for reviews: %w", err)
	}
	cfg.Timeout = askFor
	tokens, err := authentication.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for reviews: %w", err)
	}
	access, err := authorization.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for reviews: %w", err)
	}
	told := rate.Sometimes{Interval: time.Minute}
	return &guard{
		tokens: tokens.TokenReviews(), access: access.SubjectAccessReviews(),
		granted: cache.NewLRUExpireCache(remembered), refused: cache.NewLRUExpireCache(remembered), known: cache.NewLRUExpireCache(remembered),
		friends: newLane(), strangers: newLane(),
		tell: func(err error) {
			told.Do(func() { logger.Warn("the API server could not be asked who may read the metrics", safelog.Error(err)) })
		},
	}, nil
}

// protect answers 401 to who is not known, 403 to who may not, and 503 if the API server cannot be asked.
func (g *guard) protect(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a token of the cluster is needed", http.StatusUnauthorized)
			return
		}
		status, err := g.ask(r.Context(), token, r.URL.Path)
		switch {
		case err != nil:
			g.tell(err)
			http.Error(w, "the API server could not be asked who this is", http.StatusServiceUnavailable)
		case status != http.StatusOK:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, http.StatusText(status), status)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// ask returns the status to answer with.
func (g *guard) ask(ctx context.Context, token, path string) (int, error) {
	asked := question{sha256.Sum256([]byte(token)), path}
	if status, ok := g.answered(asked); ok {
		return status, nil
	}
	lane := g.strangers
	if _, ok := g.known.Get(asked); ok {
		lane = g.friends
	}
	leave, err := lane.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	if status, ok := g.answered(asked); ok { // another one has asked the same meanwhile
		return status, nil
	}
	status, err := g.review(ctx, token, path)
	switch {
	case err != nil:
		return 0, err
	case status == http.StatusOK:
		g.granted.Add(asked, status, allowedFor)
		g.known.Add(asked, status, knownFor)
	default:
		g.known.Remove(asked)
		g.refused.Add(asked, status, refusedFor)
	}
	return status, nil
}

// answered returns what the API server said not long ago.
func (g *guard) answered(asked question) (status int, ok bool) {
	answer, ok := g.granted.Get(asked)
	if !ok {
		answer, ok = g.refused.Get(asked)
	}
	if !ok {
		return 0, false
	}
	return answer.(int), true //nolint:forcetypeassert // nothing else is put there
}

func (g *guard) review(ctx context.Context, token, path string) (int, error) {
	who, err := g.tokens.Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return 0, err
	}
	if !who.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	user := who.Status.User
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	may, err := g.access.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"},
	}}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return 0, err
	case !may.Status.Allowed:
		return http.StatusForbidden, nil
	default:
		return http.StatusOK, nil
	}
}
