// Package answer makes the HTTP responses of an API server that has no socket: what a
// simulator, faults and an explorer have in common.
package answer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// New returns a response with a body of a media type.
func New(code int, media string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {media}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// Status answers a request with a status, as JSON.
func Status(r *http.Request, status metav1.Status) (*http.Response, error) {
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	body, err := json.Marshal(status)
	if err != nil {
		return nil, fmt.Errorf("encode a Status: %w", err)
	}
	response := New(int(status.Code), "application/json", body)
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	RetryAfter(response, status)
	response.Request = r
	return response, nil
}

// RetryAfter says in a header when to come again, if the status does.
func RetryAfter(response *http.Response, status metav1.Status) {
	if d := status.Details; d != nil && d.RetryAfterSeconds > 0 {
		response.Header.Set("Retry-After", strconv.Itoa(int(d.RetryAfterSeconds)))
	}
}
