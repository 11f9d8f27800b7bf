package fault

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// exchange is a request on its way, and what it asks for. It is used by one goroutine.
type exchange struct {
	request  *http.Request // its body can be read again, from body
	body     []byte
	info     apirequest.Info
	resource bool // it is for one
	named    *string
}

// newExchange reads the request's body, which is then closed.
func newExchange(r *http.Request) (*exchange, error) {
	x := &exchange{request: r}
	if r.Body != nil && r.Body != http.NoBody {
		data, err := io.ReadAll(r.Body)
		if closing := r.Body.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return nil, fmt.Errorf("fault: read the request's body: %w", err)
		}
		x.body = data
		x.request = x.copy()
	}
	if x.info, x.resource = apirequest.Parse(r); !x.resource {
		x.info = apirequest.Info{Verb: strings.ToLower(r.Method)}
	}
	return x, nil
}

// copy returns the request with a body of its own. The rest is shared.
func (x *exchange) copy() *http.Request {
	r := x.request.WithContext(x.request.Context())
	if x.body != nil {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.body)), nil }
		r.Body, _ = r.GetBody()
	}
	return r
}

// name returns the name of the one object that the request is for, if it is for one. As for
// RBAC, a collection out of which metadata.name selects one counts.
func (x *exchange) name() string {
	if x.info.Name != "" || !x.resource {
		return x.info.Name
	}
	if x.named == nil {
		name := ""
		if x.info.Verb == "create" {
			name = x.created()
		} else if selector, err := fields.ParseSelector(x.request.URL.Query().Get("fieldSelector")); err == nil {
			name, _ = selector.RequiresExactMatch("metadata.name")
		}
		x.named = &name
	}
	return *x.named
}

// created returns the name of the object in the body. One that cannot be read has none: what
// is wrong with it, the server says.
func (x *exchange) created() string {
	media, _, _ := mime.ParseMediaType(x.request.Header.Get("Content-Type")) // empty if it cannot be read
	if strings.HasSuffix(media, "json") || strings.HasSuffix(media, "yaml") {
		var object struct {
			Metadata metav1.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal(x.body, &object); err != nil {
			return ""
		}
		return object.Metadata.Name
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(x.body, nil, nil)
	if err != nil {
		return ""
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return ""
	}
	return accessor.GetName()
}
