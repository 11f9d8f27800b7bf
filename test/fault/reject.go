package fault

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	httpanswer "github.com/kuberator/kuberator/test/internal/answer"
)

// The outcomes of this file do not reach the server: nothing takes effect, and the client
// gets the answer of a server that refuses.

// Conflict refuses the request with 409, as if the object had changed meanwhile.
func Conflict() Outcome {
	return refuse("Conflict()", nil, func(x *exchange) *apierrors.StatusError {
		return apierrors.NewConflict(x.info.Resource.GroupResource(), x.name(),
			errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	})
}

// TooManyRequests refuses the request with 429 and says when to come again, in seconds,
// rounded up. 0 does not say it: client-go then returns the error at once, instead of
// repeating the request.
func TooManyRequests(retryAfter time.Duration) Outcome {
	name := fmt.Sprintf("TooManyRequests(%s)", retryAfter)
	return refuse(name, errorIf(retryAfter < 0, "it is negative"), func(*exchange) *apierrors.StatusError {
		return apierrors.NewTooManyRequests("the server has received too many requests and has asked us to try again later", seconds(retryAfter))
	})
}

// InternalError refuses the request with 500.
func InternalError() Outcome {
	return refuse("InternalError()", nil, func(*exchange) *apierrors.StatusError {
		return apierrors.NewInternalError(errors.New("injected fault"))
	})
}

// Unavailable refuses the request with 503 and says when to come again, in seconds, rounded
// up. 0 does not say it: client-go then returns the error at once, instead of repeating the
// request.
func Unavailable(retryAfter time.Duration) Outcome {
	name := fmt.Sprintf("Unavailable(%s)", retryAfter)
	return refuse(name, errorIf(retryAfter < 0, "it is negative"), func(*exchange) *apierrors.StatusError {
		err := apierrors.NewServiceUnavailable("the server is currently unable to handle the request")
		err.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: int32(seconds(retryAfter))} //nolint:gosec // seconds fit
		return err
	})
}

// Timeout refuses the request with 504: the server gave up. Here nothing took effect, which
// a client cannot know.
func Timeout() Outcome {
	return refuse("Timeout()", nil, func(*exchange) *apierrors.StatusError {
		return apierrors.NewTimeoutError("request did not complete within the allotted timeout", 0)
	})
}

// Forbidden refuses the request with 403, as if RBAC did not allow it.
func Forbidden() Outcome {
	return refuse("Forbidden()", nil, func(x *exchange) *apierrors.StatusError {
		gr := x.info.Resource.GroupResource()
		return apierrors.NewForbidden(gr, x.name(), fmt.Errorf("the user cannot %s resource %q in API group %q", x.info.Verb, gr.Resource, gr.Group))
	})
}

// Answer answers the request with a status. Its Code is that of the answer, and must be one
// of HTTP from 200 on; empty, its Status is Failure. RetryAfterSeconds of its Details become
// a header too.
func Answer(status metav1.Status) Outcome {
	name := fmt.Sprintf("Answer(%d %s)", status.Code, status.Reason)
	return refuse(name, errorIf(status.Code < 200 || status.Code > 599, "Code has to be from 200 to 599"), func(*exchange) *apierrors.StatusError {
		return &apierrors.StatusError{ErrStatus: *status.DeepCopy()}
	})
}

func refuse(name string, err error, says func(*exchange) *apierrors.StatusError) Outcome {
	return Outcome{name: name, final: true, err: err, do: func(x *exchange, _ send) (*http.Response, error) {
		return answer(x.request, says(x))
	}}
}

// answer is how an API server says an error.
func answer(r *http.Request, refusal *apierrors.StatusError) (*http.Response, error) {
	status := refusal.Status()
	if status.Status == "" {
		status.Status = metav1.StatusFailure
	}
	return httpanswer.Status(r, status)
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
