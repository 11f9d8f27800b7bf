package explore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// A point is where a fault can happen: a write of the operator, or a step of the script. Writes are
// named by what they do and to which object, and the second one of a name is "#2": the order in which
// several workers write differs from run to run, and a number in that order would name another write
// in each run.

// written is a request for a change, in words.
type written struct{ apirequest.Info }

func (w written) String() string {
	resource := w.Resource.GroupResource().String()
	if w.Subresource != "" {
		resource += "/" + w.Subresource
	}
	if w.Name == "" { // of many
		return strings.TrimSpace(w.Verb + " " + resource + " " + w.Namespace)
	}
	return w.Verb + " " + resource + " " + strings.TrimPrefix(w.Key().String(), "/")
}

// point is a write of the operator: the n-th of its name.
type point struct {
	name string
	n    int
}

func (p point) String() string {
	if p.n < 2 {
		return p.name
	}
	return fmt.Sprintf("%s #%d", p.name, p.n)
}

// stepPoint is the point of the i-th step of the script, counted from 0.
func stepPoint(i int) string { return fmt.Sprintf("step %d", i+1) }

// writeOf reads what a request wants to write that asks for info. The name of a new object is in its body.
func writeOf(r *http.Request, info apirequest.Info) (written, bool) {
	if !info.Writes() || notCompared.Has(info.Resource.GroupResource().String()) {
		return written{}, false
	}
	if info.Verb == "patch" && strings.Contains(r.Header.Get("Content-Type"), "apply-patch") {
		info.Verb = "apply"
	}
	if info.Verb == "create" && info.Name == "" {
		info.Name = nameIn(r)
	}
	return written{info}, true
}

// nameIn returns the name of the object in the body of a request, or what its name will begin with.
// It is empty if the body cannot be read: the server says what is wrong with it.
func nameIn(r *http.Request) string {
	if r.Body == nil {
		return ""
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return ""
	}
	var head metav1.PartialObjectMetadata
	if raw, ok := bytes.CutPrefix(body, []byte("k8s\x00")); ok { // Protobuf, whose first field of all kinds is the metadata
		var envelope runtime.Unknown
		if envelope.Unmarshal(raw) != nil || head.Unmarshal(envelope.Raw) != nil {
			return ""
		}
	} else if json.Unmarshal(body, &head) != nil {
		return ""
	}
	if head.Name == "" && head.GenerateName != "" {
		return head.GenerateName + "*"
	}
	return head.Name
}

// point names the next write of the operator, and notes that there is one. before is the
// resourceVersion of the cluster before the write that came before it.
func (w *world) point(what fmt.Stringer) (at point, before uint64) {
	at.name = w.history.sameInEachRun(what.String())
	rv := w.server.RV()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.points[at.name]++
	at.n = w.points[at.name]
	before, w.lastRV = cmp.Or(w.lastRV, rv), rv
	return at, before
}

// sameInEachRun returns a text without what the server has made up.
func (h *history) sameInEachRun(text string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.identities.known().made.Replace(text)
}
