package sim

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// request is what a client asks for, read from its HTTP request.
type request struct {
	ctx         context.Context //nolint:containedctx // it stands for an http.Request, which has one too
	session     *Session
	user        *user // nil: an administrator
	resource    *resource
	verb        string
	namespace   string
	name        string
	subresource string
	query       url.Values
	header      http.Header
	body        []byte
	contentType string

	form     form
	asStored bool // the answer is not changed by rules.shown
	warnings []string
}

func (r *request) key() types.NamespacedName {
	return types.NamespacedName{Namespace: r.namespace, Name: r.name}
}

// warn adds to the warnings of the answer, each of which is said once.
func (r *request) warn(warnings ...string) {
	for _, warning := range warnings {
		if !slices.Contains(r.warnings, warning) {
			r.warnings = append(r.warnings, warning)
		}
	}
}

// maxBody is the size of the largest request that a server reads.
const maxBody = 3 << 20

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }() // it is the client's
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the request's body: %w", err)
	case len(data) > maxBody:
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", maxBody))
	}
	return data, nil
}

func mediaType(header http.Header) string {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return header.Get("Content-Type")
	}
	return media
}

// unsupportedMedia refuses a body in a form that the resource does not take.
func unsupportedMedia(accepted ...string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "the body of the request was in an unknown format - accepted media types include: " + strings.Join(accepted, ", "),
	}}
}

// object returns the object in a request's body.
func (r *request) object(w *write) (map[string]any, error) {
	object, gvk, strict, err := r.resource.decodeAs(r.contentType, r.body, w.validation)
	if err == nil && len(strict) > 0 && w.validation == metav1.FieldValidationStrict {
		err = fmt.Errorf("strict decoding error: %s", strings.Join(strict, ", "))
	}
	if apierrors.ReasonForError(err) != metav1.StatusReasonUnknown {
		return nil, err
	}
	want := r.resource.gvk
	switch {
	case err != nil && gvk.Kind != "":
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", gvk.Kind, gvk.Version, want.Kind, err))
	case err != nil:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): %v (%s)", want.Kind, err, summary(r.body)))
	}
	r.warn(strict...)
	if gvk.GroupVersion() != want.GroupVersion() {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the API version in the data (%s) does not match the expected API version (%s)", gvk.GroupVersion(), want.GroupVersion()))
	}
	return object, nil
}

// summary is the beginning of a body, as it is quoted in errors.
func summary(body []byte) string {
	const longest = 30
	switch {
	case len(body) == 0:
		return "empty data"
	case body[0] != '{':
		return fmt.Sprintf("%x", body[:min(longest, len(body))])
	case len(body) > longest:
		return string(body[:longest]) + " ..."
	}
	return string(body)
}

func groupVersion(gvk schema.GroupVersionKind) string { return gvk.GroupVersion().String() }
