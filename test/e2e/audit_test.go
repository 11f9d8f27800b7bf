package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// audited is a request as the server saw it.
type audited struct {
	Verb      string           `json:"verb"`
	UserAgent string           `json:"userAgent"`
	Received  metav1.MicroTime `json:"requestReceivedTimestamp"`
	Answered  metav1.MicroTime `json:"stageTimestamp"`
	User      struct {
		Username string `json:"username"`
	} `json:"user"`
	Object struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	Response struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

func (a audited) resource() string {
	return strings.TrimSuffix(a.Object.Resource+"/"+a.Object.Subresource, "/")
}

// write reports whether it changes something, which is not a lease.
func (a audited) write() bool {
	return !slices.Contains([]string{"get", "list", "watch"}, a.Verb) && a.Object.Resource != "leases"
}

// audit returns what service accounts asked for in the namespace, in the order in which it was answered.
func (w *world) audit() (all []audited) {
	w.t.Helper()
	text, err := os.ReadFile(theServer.auditLog)
	require.NoError(w.t, err)
	for line := range bytes.Lines(text) {
		var a audited
		if !bytes.HasSuffix(line, []byte("\n")) || !bytes.Contains(line, []byte(w.namespace)) {
			continue // it is being written, or another test's
		}
		require.NoError(w.t, json.Unmarshal(line, &a))
		if a.Object.Namespace == w.namespace {
			all = append(all, a)
		}
	}
	slices.SortStableFunc(all, func(a, b audited) int { return a.Answered.Compare(b.Answered.Time) })
	return all
}

// wrote returns who wrote something else than leases, in turns: by the names of processes, which are their user
// agents.
func (w *world) wrote() (who []string) {
	w.t.Helper()
	for _, a := range w.audit() {
		if a.write() && (len(who) == 0 || who[len(who)-1] != a.UserAgent) && a.Response.Code < 300 {
			who = append(who, a.UserAgent)
		}
	}
	return who
}
