package conform_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/conform"
)

// answers is a server that gives prepared answers, and notes what it was sent.
type answers struct {
	t      *testing.T
	bodies []string
	sent   []string
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, r.ContentLength)
	_, _ = r.Body.Read(body)
	a.sent = append(a.sent, fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.URL.RawQuery, " ", r.Header.Get("Content-Type"), " ", string(body)))
	w.Header().Set("Content-Type", "application/json")
	if len(a.sent) == 1 { // the namespace
		w.WriteHeader(http.StatusCreated)
		return
	}
	fmt.Fprint(w, a.bodies[0])
	a.bodies = a.bodies[1:]
}

// play runs a script on prepared answers and returns what it saw and what it sent.
func play(t *testing.T, text string, bodies ...string) (got *conform.Script, sent []string, err error) {
	t.Helper()
	script, err := conform.Parse("a.txt", "# x\n"+text)
	require.NoError(t, err)
	a := &answers{t: t, bodies: bodies}
	server := httptest.NewServer(a)
	defer server.Close()
	got, err = script.Run(t.Context(), &rest.Config{Host: server.URL}, nil)
	return got, a.sent, err
}

func TestAnswersAreNormalised(t *testing.T) {
	const object = `{"kind":"Widget","metadata":{"name":"a","uid":"u-%s","resourceVersion":"%d","creationTimestamp":"2026-01-01T00:00:00Z","generation":1},"spec":{"at":"2026-01-01T00:00:00Z","by":"u-%[1]s"}}`
	got, _, err := play(t, "GET $widgets/a\nGET $widgets/b\nGET $widgets/a\nGET $widgets\nGET $widgets/x +message\n",
		fmt.Sprintf(object, "one", 70), fmt.Sprintf(object, "two", 80), fmt.Sprintf(object, "one", 60),
		`{"kind":"WidgetList","metadata":{"resourceVersion":"75","remainingItemCount":3,"continue":"t"},"items":[]}`,
		`{"kind":"Status","apiVersion":"v1","code":404,"reason":"NotFound","message":"u-two","details":{"name":"x","causes":[{"reason":"R","field":"f"},{"reason":"R","field":"f"}]}}`)
	require.NoError(t, err)
	var lines []string
	for _, step := range got.Steps {
		lines = append(lines, step.Answer...)
	}
	require.Equal(t, []string{
		"200 Widget a: uid1 rv2 generation 1", // the newer one of both
		`  spec {"at":"TIME","by":"uid1"}`,
		"200 Widget a: uid2 rv1 generation 1",
		`  spec {"at":"TIME","by":"uid2"}`,
		"200 Widget a: uid1 rv1 generation 1",
		`  spec {"at":"TIME","by":"uid1"}`,
		"200 WidgetList: rv old remaining 3 continue",
		"200 NotFound",
		`  details {"name":"x"}`,
		"  cause R f null",
		`  message "uid2"`,
	}, lines)
}

func TestRequestsAreExpanded(t *testing.T) {
	got, sent, err := play(t, `GET $widgets/a?labelSelector=a%20in%20(b,c)&x= as=w
PUT $widgets/a
  $w.object
  + {"spec":{"size":2,"old":null}}
MERGE $widgets/a
  {$Widget,"a":"$repeat(3,x)","b":[$repeat(2,"f%")],"uid":"$w.uid","rv":"$w.rv","$patch":"delete"}
`, `{"kind":"Widget","metadata":{"name":"a","uid":"u","resourceVersion":"7"},"spec":{"size":1,"old":1}}`, "{}", "{}")
	require.NoError(t, err)
	require.Len(t, got.Steps, 3)
	namespace := strings.TrimSuffix(strings.SplitAfter(sent[0], `"name":"`)[1], `"}}`)
	path := "/apis/conform.kuberator.dev/v1/namespaces/" + namespace + "/widgets/a "
	require.Equal(t, []string{
		"GET " + path + "labelSelector=a+in+%28b%2Cc%29&x=  ",
		"PUT " + path + ` application/json {"kind":"Widget","metadata":{"name":"a","resourceVersion":"7","uid":"u"},"spec":{"size":2}}`,
		"PATCH " + path + ` application/merge-patch+json {"apiVersion":"conform.kuberator.dev/v1","kind":"Widget","a":"xxx","b":["f0","f1"],"uid":"u","rv":"7","$patch":"delete"}`,
	}, sent[1:])
}

// TestRunErrorsNameTheStep shows that a step that cannot be taken is an error, and
// that the answers before it are there.
func TestRunErrorsNameTheStep(t *testing.T) {
	got, _, err := play(t, "GET $widgets\nWATCH w $widgets\nEVENTS w 2\n", "{}", `{"type":"ADDED","object":{"kind":"Widget"}} nonsense`)
	require.ErrorContains(t, err, "running script a.txt:4: EVENTS w 2: reading event 2 of watch w: invalid character")
	require.Len(t, got.Steps, 2)

	_, _, err = play(t, "GET $widgets as=w\nPUT $widgets/a\n  $w.object\n  {}\n", "{}")
	require.ErrorContains(t, err, `what changes $w.object begins with "+ "`)
}

// TestBookmarksAreEventsOnlyWhereAsked shows that a bookmark that a server sends in
// between changes no answer, and that a step that names bookmarks gets it.
func TestBookmarksAreEventsOnlyWhereAsked(t *testing.T) {
	const (
		added   = `{"type":"ADDED","object":{"kind":"Widget","metadata":{"name":"a","uid":"u-a","resourceVersion":"7","generation":1,"creationTimestamp":"2026-01-01T00:00:00Z"}}}`
		between = `{"type":"BOOKMARK","object":{"kind":"Widget","metadata":{"resourceVersion":"8"}}}`
	)
	for step, want := range map[string][]string{
		"2":             {"ADDED Widget a: uid1 rv1 generation 1", "ADDED Widget a: uid1 rv1 generation 1"},
		"to=closed":     {"ADDED Widget a: uid1 rv1 generation 1", "ADDED Widget a: uid1 rv1 generation 1", "closed"},
		"only=BOOKMARK": {"BOOKMARK Widget: rv current"},
		"to=BOOKMARK":   {"ADDED Widget a: uid1 rv1 generation 1", "BOOKMARK Widget: rv current"},
	} {
		got, _, err := play(t, "WATCH w $widgets\nEVENTS w "+step+"\n", added+between+added)
		require.NoError(t, err, step)
		require.Equal(t, want, got.Steps[1].Answer, step)
	}
}
