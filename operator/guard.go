package operator

import (
	"context"
	"crypto/sha256"
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
)

// How long an answer of the API server is good. They are those of the delegating authorizers of Kubernetes,
// but that a refusal is kept for as long as it takes to grant the right.
const (
	allowedFor = 2 * time.Minute
	refusedFor = 10 * time.Second
	askFor     = 10 * time.Second
	remembered = 1024
	// atOnce is how many are reviewed at a time: tokens that somebody makes up must not become a flood of
	// requests for the API server.
	atOnce = 4
)

// guard lets the API server decide who may read a path: it reviews the token of the request, and whether its
// user may "get" the path, as a rule for nonResourceURLs allows.
type guard struct {
	tokens  authentication.TokenReviewInterface
	access  authorization.SubjectAccessReviewInterface
	answers *cache.LRUExpireCache // of status, by question
	asking  chan struct{}         // filled by those who ask the API server
	tell    func(error)
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
		answers: cache.NewLRUExpireCache(remembered), asking: make(chan struct{}, atOnce),
		tell: func(err error) {
			told.Do(func() { logger.Warn("the API server could not be asked who may read the metrics", zap.Error(err)) })
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
			http.Error(w, http.StatusText(status), status)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// ask returns the status to answer with.
func (g *guard) ask(ctx context.Context, token, path string) (int, error) {
	asked := question{sha256.Sum256([]byte(token)), path}
	if status, ok := g.answers.Get(asked); ok {
		return status.(int), nil
	}
	select {
	case g.asking <- struct{}{}:
		defer func() { <-g.asking }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	status, err := g.review(ctx, token, path)
	switch {
	case err != nil:
		return 0, err
	case status == http.StatusOK:
		g.answers.Add(asked, status, allowedFor)
	default:
		g.answers.Add(asked, status, refusedFor)
	}
	return status, nil
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
