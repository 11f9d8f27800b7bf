package sim

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	mediaJSON     = "application/json"
	mediaYAML     = "application/yaml"
	mediaProtobuf = "application/vnd.kubernetes.protobuf"
)

// written are the media types that a server gives answers in, as its messages list them.
var written = []string{mediaJSON, mediaYAML, mediaProtobuf}

// clause is one of the media types that a client accepts.
type clause struct {
	media  string
	params map[string]string
	q      float64
}

// accepted reads an Accept header: what the client likes best comes first.
func accepted(header http.Header) []clause {
	text := strings.Join(header.Values("Accept"), ",")
	if text == "" {
		return []clause{{media: "*/*"}}
	}
	var out []clause
	for part := range strings.SplitSeq(text, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		c := clause{media: media, params: params, q: 1}
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			c.q = q
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b clause) int { return cmp.Compare(b.q, a.q) })
	return out
}

func (c clause) takes(media string) bool {
	kind, _, _ := strings.Cut(media, "/")
	return c.media == media || c.media == "*/*" || c.media == kind+"/*"
}

// form is how an answer is written.
type form struct {
	media string
	as    string // PartialObjectMetadata, PartialObjectMetadataList, Table, or empty: as it is
	group string // the group and version of that
}

// negotiate finds the form of the answer that the client likes best. Objects are written in
// JSON and YAML, kinds that are compiled in as Protobuf too, but for watches and tables.
func (r *request) negotiate() error {
	fits := false
	for _, c := range accepted(r.header) {
		for _, media := range written {
			if !c.takes(media) {
				continue
			}
			fits = true
			as := c.params["as"]
			if r.writes(media, as) && (as == "" || otherForm(c.params)) {
				r.form = form{media: media, as: as, group: c.params["g"] + "/" + c.params["v"]}
				return nil
			}
		}
	}
	if !fits && r.resource.compiled() { // the router of these kinds refuses before anything else
		return routeError(http.StatusNotAcceptable, "406: Not Acceptable\n\nAvailable representations: "+strings.Join(written, ", "))
	}
	return notAcceptable("only the following media types are accepted: " + strings.Join(written, ", "))
}

func (r *request) writes(media, as string) bool {
	return media != mediaProtobuf || r.verb != "watch" && r.subresource != "token" && r.resource.typed != nil && as == ""
}

func otherForm(params map[string]string) bool {
	return params["g"] == metav1.GroupName && (params["v"] == "v1" || params["v"] == "v1beta1") &&
		(params["as"] == "PartialObjectMetadata" || params["as"] == "PartialObjectMetadataList" || params["as"] == asTable)
}

func notAcceptable(message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotAcceptable, Reason: metav1.StatusReasonNotAcceptable, Message: message,
	}}
}

// errorMedia is what an error is written in: it is as the client likes it, or JSON.
func errorMedia(header http.Header) string {
	for _, c := range accepted(header) {
		for _, media := range written {
			if c.takes(media) && c.params["as"] == "" {
				return media
			}
		}
	}
	return mediaJSON
}
