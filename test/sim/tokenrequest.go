package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// tokenRequests is the kind of what the subresource token takes, which is not stored.
var tokenRequests = func() *resource {
	gvk := authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")
	return &resource{gvk: gvk, plural: "tokenrequests", typed: newTyped(gvk)}
}()

// tokenRequest returns the TokenRequest in a request's body.
func (r *request) tokenRequest() (*authenticationv1.TokenRequest, error) {
	w, err := r.options()
	if err != nil {
		return nil, err
	}
	body := *r
	body.resource = tokenRequests
	object, err := body.object(w)
	r.warnings = body.warnings
	if err != nil {
		return nil, err
	}
	wanted := &authenticationv1.TokenRequest{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, wanted); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if wanted.Namespace != "" && wanted.Namespace != r.namespace {
		return nil, apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return wanted, nil
}

// requestToken serves POST of the subresource token of a service account.
func (s *Server) requestToken(r *request) (*http.Response, error) {
	wanted, err := r.tokenRequest()
	if err != nil {
		return nil, err
	}
	account, err := s.bond(r.resource.gr(), keyOf(r.namespace, r.name))
	if err != nil {
		return nil, err
	}
	if wanted.Spec.ExpirationSeconds == nil {
		wanted.Spec.ExpirationSeconds = new(int64(3600))
	}
	if wanted.Name != "" && wanted.Name != r.name {
		return nil, apierrors.NewInvalid(tokenRequests.gvk.GroupKind(), r.name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "name"), wanted.Name, "must match the service account name if specified"),
		})
	}
	if errs := validateTokenRequest(wanted); len(errs) > 0 {
		return nil, apierrors.NewInvalid(tokenRequests.gvk.GroupKind(), "", errs)
	}
	given := grant{bound: []bond{account}, expires: time.Now().Add(time.Duration(*wanted.Spec.ExpirationSeconds) * time.Second)}
	if ref := wanted.Spec.BoundObjectRef; ref != nil {
		object, err := s.boundObject(r.namespace, ref)
		if err != nil {
			return nil, err
		}
		ref.UID = object.uid
		given.bound = append(given.bound, object)
	}
	if len(wanted.Spec.Audiences) == 0 {
		wanted.Spec.Audiences = []string{issuer}
	}
	given.foreign = !slices.Contains(wanted.Spec.Audiences, issuer)
	given.user = newUser(accountPrefix + r.namespace + ":" + r.name)

	wanted.APIVersion, wanted.Kind = tokenRequests.gvk.ToAPIVersionAndKind()
	wanted.Name, wanted.Namespace, wanted.UID = r.name, r.namespace, account.uid
	wanted.CreationTimestamp = metav1.NewTime(time.Now().Truncate(time.Second))
	wanted.Status = authenticationv1.TokenRequestStatus{Token: s.tokens.give(given), ExpirationTimestamp: metav1.NewTime(given.expires)}
	body, err := json.Marshal(wanted)
	if err != nil {
		return nil, fmt.Errorf("encode a TokenRequest: %w", err)
	}
	return r.write(http.StatusCreated, body)
}

func validateTokenRequest(wanted *authenticationv1.TokenRequest) (errs field.ErrorList) {
	path, seconds := field.NewPath("spec", "expirationSeconds"), *wanted.Spec.ExpirationSeconds
	if seconds < 10*60 {
		errs = append(errs, field.Invalid(path, seconds, "may not specify a duration less than 10 minutes"))
	}
	if seconds > 1<<32 {
		errs = append(errs, field.Invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"))
	}
	return errs
}

// boundObject is the object with which a token is to end: a Pod or a Secret of the account's
// namespace, or a Node.
func (s *Server) boundObject(namespace string, ref *authenticationv1.BoundObjectReference) (found bond, err error) {
	kind := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	gvr, namespaced, served := s.Mapping(kind)
	if !slices.Contains([]string{"Pod", "Secret", "Node"}, kind.Kind) || kind.Group != "" || !served {
		return found, apierrors.NewBadRequest("cannot bind token to object of type " + kind.String())
	}
	if !namespaced {
		namespace = ""
	}
	found, err = s.bond(gvr.GroupResource(), keyOf(namespace, ref.Name))
	if err == nil && ref.UID != "" && ref.UID != found.uid {
		err = apierrors.NewConflict(schema.GroupResource{Resource: ref.Kind}, ref.Name, fmt.Errorf("the UID in the bound object reference (%s) does not match the UID in record. "+
			"The object might have been deleted and then recreated", ref.UID))
	}
	return found, err
}
