package sim

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// reviewer answers a review, by filling in the status of it.
type reviewer func(s *Server, r *request, review runtime.Object) error

// reviews are the kinds of questions about users and their rights. A question is created, is
// answered at once, and is not stored.
var reviews = sync.OnceValue(func() map[schema.GroupVersionResource]*resource {
	out := map[schema.GroupVersionResource]*resource{}
	add := func(gv schema.GroupVersion, kind string, namespaced bool, answer reviewer) {
		gvk, name := gv.WithKind(kind), strings.ToLower(kind)
		out[gv.WithResource(name+"s")] = &resource{
			gvk: gvk, plural: name + "s", singular: name, listKind: kind + "List", namespaced: namespaced, typed: newTyped(gvk),
			verbs: []string{"create"}, review: answer,
		}
	}
	add(authenticationv1.SchemeGroupVersion, "SelfSubjectReview", false, reviewSelf)
	add(authenticationv1.SchemeGroupVersion, "TokenReview", false, reviewToken)
	add(authorizationv1.SchemeGroupVersion, "SelfSubjectAccessReview", false, reviewOwnAccess)
	add(authorizationv1.SchemeGroupVersion, "SubjectAccessReview", false, reviewAccess)
	add(authorizationv1.SchemeGroupVersion, "LocalSubjectAccessReview", true, reviewLocalAccess)
	add(authorizationv1.SchemeGroupVersion, "SelfSubjectRulesReview", false, reviewRules)
	return out
})

// review serves POST of a review.
func (s *Server) review(r *request) (*http.Response, error) {
	w, err := r.options()
	if err != nil {
		return nil, err
	}
	object, err := r.object(w)
	if err != nil {
		return nil, err
	}
	typed := r.resource.typed()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, typed); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if err := r.resource.review(s, r, typed); err != nil {
		return nil, err
	}
	return r.writeTyped(http.StatusCreated, r.resource.gvk, typed)
}

// sender is who sends a request. An administrator in the process has a name here.
func (r *request) sender() *user {
	if r.user == nil {
		return newUser("system:admin", masters)
	}
	return r.user
}

func reviewSelf(_ *Server, r *request, review runtime.Object) error {
	out, _ := review.(*authenticationv1.SelfSubjectReview)
	out.CreationTimestamp = metav1.NewTime(time.Now().Truncate(time.Second))
	out.Status.UserInfo = authenticationv1.UserInfo{Username: r.sender().name, Groups: r.sender().groups}
	return nil
}

func reviewToken(s *Server, r *request, review runtime.Object) error {
	out, _ := review.(*authenticationv1.TokenReview)
	if out.Spec.Token == "" {
		return r.invalidReview("spec.token", "", "a token is required")
	}
	found, ok := s.tokens.find(out.Spec.Token)
	if !ok || !s.honours(found) {
		out.Status = authenticationv1.TokenReviewStatus{Error: "[invalid bearer token, token lookup failed]"}
		return nil
	}
	out.Status = authenticationv1.TokenReviewStatus{
		Authenticated: true, User: authenticationv1.UserInfo{Username: found.user.name, Groups: found.user.groups}, Audiences: []string{issuer},
	}
	return nil
}

func reviewOwnAccess(s *Server, r *request, review runtime.Object) (err error) {
	out, _ := review.(*authorizationv1.SelfSubjectAccessReview)
	out.Status, err = s.judge(r, r.sender(), out.Spec.ResourceAttributes, out.Spec.NonResourceAttributes)
	return err
}

func reviewAccess(s *Server, r *request, review runtime.Object) (err error) {
	out, _ := review.(*authorizationv1.SubjectAccessReview)
	out.Status, err = s.judgeOther(r, out.Spec)
	return err
}

func reviewLocalAccess(s *Server, r *request, review runtime.Object) (err error) {
	out, _ := review.(*authorizationv1.LocalSubjectAccessReview)
	if a := out.Spec.ResourceAttributes; a != nil && a.Namespace != r.namespace {
		return r.invalidReview("spec.resourceAttributes.namespace", a.Namespace, "must match metadata.namespace")
	}
	out.Namespace = r.namespace
	out.Status, err = s.judgeOther(r, out.Spec)
	return err
}

func (s *Server) judgeOther(r *request, spec authorizationv1.SubjectAccessReviewSpec) (status authorizationv1.SubjectAccessReviewStatus, err error) {
	if spec.User == "" && len(spec.Groups) == 0 {
		return status, r.invalidReview("spec.user", "", "at least one of user or group must be specified")
	}
	return s.judge(r, &user{name: spec.User, groups: spec.Groups}, spec.ResourceAttributes, spec.NonResourceAttributes)
}

// judge says whether a user may do something.
func (s *Server) judge(r *request, who *user, what *authorizationv1.ResourceAttributes, path *authorizationv1.NonResourceAttributes) (
	status authorizationv1.SubjectAccessReviewStatus, err error,
) {
	var a access
	switch {
	case (what == nil) == (path == nil):
		return status, r.invalidReview("spec.resourceAttributes", nil, "exactly one of nonResourceAttributes or resourceAttributes must be specified")
	case what != nil:
		a = access{
			verb: what.Verb, resource: schema.GroupResource{Group: what.Group, Resource: what.Resource}, subresource: what.Subresource,
			namespace: what.Namespace, name: what.Name,
		}
	default:
		a = access{verb: path.Verb, path: path.Path}
	}
	if slices.Contains(who.groups, masters) {
		status.Allowed = true
		return status, nil
	}
	allowed, errs := s.allowed(who, a)
	status.Allowed = allowed
	if !allowed && len(errs) > 0 {
		status.EvaluationError = errs[0].Error()
	}
	return status, nil
}

func (r *request) invalidReview(path string, value any, message string) error {
	return apierrors.NewInvalid(schema.GroupKind{Group: r.resource.gvk.Group}, "", field.ErrorList{field.Invalid(field.NewPath(path), value, message)})
}

func reviewRules(s *Server, r *request, review runtime.Object) error {
	out, _ := review.(*authorizationv1.SelfSubjectRulesReview)
	if out.Spec.Namespace == "" {
		return apierrors.NewBadRequest("no namespace on request")
	}
	rules, errs := s.rulesOf(r.sender(), out.Spec.Namespace)
	out.Status = authorizationv1.SubjectRulesReviewStatus{
		ResourceRules: []authorizationv1.ResourceRule{}, NonResourceRules: []authorizationv1.NonResourceRule{}, Incomplete: len(errs) > 0,
	}
	for _, err := range errs {
		out.Status.EvaluationError = err.Error()
	}
	for _, rule := range rules {
		if len(rule.Resources) > 0 {
			out.Status.ResourceRules = append(out.Status.ResourceRules, authorizationv1.ResourceRule{
				Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources, ResourceNames: rule.ResourceNames,
			})
		}
		if len(rule.NonResourceURLs) > 0 {
			out.Status.NonResourceRules = append(out.Status.NonResourceRules, authorizationv1.NonResourceRule{
				Verbs: rule.Verbs, NonResourceURLs: rule.NonResourceURLs,
			})
		}
	}
	out.Spec = authorizationv1.SelfSubjectRulesReviewSpec{}
	return nil
}
