package fault_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/fault"
)

func TestWhatIsWrongWithARule(t *testing.T) {
	for name, c := range map[string]struct {
		rule *fault.Rule
		want string
	}{
		"verb":         {fault.On("paint", "configmaps").Then(fault.Drop()), `rule On("paint", "configmaps").Then(Drop()): unknown verb "paint"`},
		"resource":     {fault.On("get", "").Then(fault.Drop()), `the resource is empty`},
		"subresource":  {fault.On("get", "pods/").Then(fault.Drop()), `the subresource of "pods/" is empty`},
		"kind":         {fault.On("get", "ConfigMap").Then(fault.Drop()), `"ConfigMap" is not the name of a resource`},
		"dots":         {fault.On("get", "deployments.").Then(fault.Drop()), `"deployments." is not the name of a resource`},
		"pattern":      {fault.On("get", "config*").Then(fault.Drop()), `* stands for all or for nothing`},
		"no then":      {fault.On("get", "configmaps").Named("a"), `rule On("get", "configmaps").Named("a"): nothing happens: Then is missing`},
		"empty then":   {fault.On("get", "configmaps").Then(), `nothing happens: Then is missing`},
		"two thens":    {fault.On("get", "configmaps").Then(fault.Drop()).Then(fault.Drop()), `more than one Then`},
		"order":        {fault.On("get", "configmaps").Then(fault.Conflict(), fault.Delay(1)), `Conflict() does not send the request, so nothing can follow it`},
		"no outcome":   {fault.On("get", "configmaps").Then(fault.Outcome{}), `an Outcome that no function of this package made`},
		"delay":        {fault.On("get", "configmaps").Then(fault.Delay(-1)), `Delay(-1ns): it is negative`},
		"late answer":  {fault.On("get", "configmaps").Then(fault.DelayAnswer(-1)), `DelayAnswer(-1ns): it is negative`},
		"retry":        {fault.On("get", "configmaps").Then(fault.Unavailable(-time.Second)), `Unavailable(-1s): it is negative`},
		"retry later":  {fault.On("get", "configmaps").Then(fault.TooManyRequests(-time.Second)), `TooManyRequests(-1s): it is negative`},
		"torn":         {fault.On("get", "configmaps").Then(fault.TearAnswer(-1)), `TearAnswer(-1): it is negative`},
		"status":       {fault.On("get", "configmaps").Then(fault.Answer(metav1.Status{})), `Answer(0 ): Code has to be from 200 to 599`},
		"call":         {fault.On("get", "configmaps").Then(fault.Call(nil)), `Call(…): the function is nil`},
		"call after":   {fault.On("get", "configmaps").Then(fault.CallAfter(nil)), `CallAfter(…): the function is nil`},
		"matching":     {fault.On("get", "configmaps").Matching(nil).Then(fault.Drop()), `the function to match with is nil`},
		"name":         {fault.On("get", "configmaps").Named("").Then(fault.Drop()), `the name is empty`},
		"namespace":    {fault.On("get", "configmaps").In("").Then(fault.Drop()), `the namespace is empty`},
		"no number":    {fault.On("get", "configmaps").Nth().Then(fault.Drop()), `Nth().Then(Drop()): requests are numbered from 1`},
		"number 0":     {fault.On("get", "configmaps").Nth(1, 0).Then(fault.Drop()), `requests are numbered from 1`},
		"from 0":       {fault.On("get", "configmaps").From(0).Then(fault.Drop()), `requests are numbered from 1`},
		"no time":      {fault.On("get", "configmaps").Times(0).Then(fault.Drop()), `a rule applies once at least`},
		"nth and from": {fault.On("get", "configmaps").Nth(1).From(2).Then(fault.Drop()), `neither From nor Times go with it`},
		"nil":          {nil, `a rule is nil`},
		"not by On":    {&fault.Rule{}, `a rule was not made by On`},
	} {
		t.Run(name, func(t *testing.T) {
			good := fault.On("get", "configmaps").Then(fault.Drop())
			_, err := fault.New(good, c.rule)
			require.ErrorContains(t, err, c.want)
			injector, err := fault.New()
			require.NoError(t, err)
			require.ErrorContains(t, injector.Add(good, c.rule), c.want)
			require.Empty(t, injector.Unused(), "none was added")
			require.Contains(t, recorded(func(t testing.TB) { fault.For(t, c.rule) }), c.want)
		})
	}
}

// recorder is a test that notes how it fails.
type recorder struct {
	testing.TB
	failures strings.Builder
	cleanups []func()
}

var errStopped = errors.New("the test has stopped")

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	_, _ = io.WriteString(&r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatal(args ...any) {
	_, _ = io.WriteString(&r.failures, fmt.Sprint(args...))
	panic(errStopped)
}

// recorded returns how a test fails.
func recorded(test func(testing.TB)) string {
	r := &recorder{}
	func() {
		defer func() {
			if stopped := recover(); stopped != nil && stopped != errStopped { //nolint:errorlint // it is that value
				panic(stopped)
			}
		}()
		test(r)
	}()
	for _, cleanup := range r.cleanups {
		cleanup()
	}
	return r.failures.String()
}

// wire sends requests through an injector to a server that accepts everything.
type wire struct {
	t      *testing.T
	client *http.Client
	mu     sync.Mutex
	sent   []string
}

func newWire(t *testing.T, injector *fault.Injector) *wire {
	t.Helper()
	w := &wire{t: t}
	cfg := injector.Config(&rest.Config{Host: "http://server", Transport: roundTripper(w.answer)})
	client, err := rest.HTTPClientFor(cfg)
	require.NoError(t, err)
	w.client = client
	return w
}

func (w *wire) answer(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, r.Method+" "+r.URL.RequestURI()+" "+body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// fails reports whether the connection is refused.
func (w *wire) fails(line string) bool {
	w.t.Helper()
	method, rest, _ := strings.Cut(line, " ")
	path, body, _ := strings.Cut(rest, " ")
	return w.sends(method, path, "application/json", body)
}

func (w *wire) sends(method, path, contentType, body string) (failed bool) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://server"+path, io.NopCloser(strings.NewReader(body)))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", contentType)
	before := len(w.sent)
	response, err := w.client.Do(r)
	if err != nil {
		require.ErrorContains(w.t, err, "connection refused")
		require.Len(w.t, w.sent, before, "nothing arrives")
		return true
	}
	require.NoError(w.t, response.Body.Close())
	require.Equal(w.t, method+" "+path+" "+body, w.sent[before], "it arrives as it was")
	return false
}

func TestWhichRequestsARuleIsFor(t *testing.T) {
	const maps, apps, widgets = "/api/v1/namespaces/default/configmaps", "/apis/apps/v1/namespaces/default/deployments", "/apis/example.com/v1/namespaces/default/widgets"
	drop := fault.NotSent()
	for name, c := range map[string]struct {
		rule *fault.Rule
		yes  []string
		no   []string
	}{
		"core": {
			fault.On("get", "configmaps").Then(drop),
			[]string{"GET " + maps + "/a"},
			[]string{"GET " + maps, "GET " + maps + "/a/status", "PUT " + maps + "/a {}", "GET /api/v1/namespaces/default", "GET /apis/x.io/v1/configmaps/a", "GET /version"},
		},
		"group":       {fault.On("*", "deployments.apps").Then(drop), []string{"GET " + apps, "PATCH " + apps + "/a {}", "DELETE " + apps}, []string{"GET " + apps + "/a/status", "GET " + maps}},
		"subresource": {fault.On("update", "widgets.example.com/status").Then(drop), []string{"PUT " + widgets + "/a/status {}"}, []string{"PUT " + widgets + "/a {}", "GET " + widgets + "/a/status"}},
		"any status":  {fault.On("*", "*/status").Then(drop), []string{"PUT " + widgets + "/a/status {}", "PATCH " + apps + "/a/status {}"}, []string{"PUT " + widgets + "/a {}", "PUT " + apps + "/a/scale {}"}},
		"read": {
			fault.On("read", "configmaps").Then(drop),
			[]string{"GET " + maps, "GET " + maps + "/a", "GET " + maps + "?watch=true"},
			[]string{"POST " + maps + " {}", "PUT " + maps + "/a {}", "PATCH " + maps + "/a {}", "DELETE " + maps + "/a", "DELETE " + maps},
		},
		"write": {
			fault.On("write", "configmaps").Then(drop),
			[]string{"POST " + maps + " {}", "PUT " + maps + "/a {}", "PATCH " + maps + "/a {}", "DELETE " + maps + "/a", "DELETE " + maps},
			[]string{"GET " + maps, "GET " + maps + "/a"},
		},
		"deletecollection": {fault.On("deletecollection", "configmaps").Then(drop), []string{"DELETE " + maps}, []string{"DELETE " + maps + "/a"}},
		"everything":       {fault.On("*", "*").Then(drop), []string{"GET /version", "GET /apis", "PUT " + widgets + "/a/status {}", "GET " + maps}, nil},
		"all reads":        {fault.On("read", "*").Then(drop), []string{"GET /version", "GET " + maps}, []string{"DELETE " + maps}},
		"path":             {fault.On("get", "/version").Then(drop), []string{"GET /version"}, []string{"GET /versions", "GET /apis"}},
		"paths":            {fault.On("*", "/apis*").Then(drop), []string{"GET /apis", "GET /apis/apps/v1"}, []string{"GET /api", "GET " + apps}},
		"named": {
			fault.On("*", "configmaps").Named("a").Then(drop),
			[]string{
				"GET " + maps + "/a", `POST ` + maps + ` {"metadata":{"name":"a"}}`,
				"GET " + maps + "?fieldSelector=metadata.name%3Da", "GET " + maps + "?watch=1&fieldSelector=metadata.name%3Da", "DELETE " + maps + "?fieldSelector=metadata.name%3Da",
			},
			[]string{"GET " + maps + "/b", `POST ` + maps + ` {"metadata":{"name":"b"}}`, `POST ` + maps + ` {"metadata":{"generateName":"a"}}`, "POST " + maps + " nonsense: [", "GET " + maps, "GET " + maps + "?fieldSelector=x%3Da"},
		},
		"in": {fault.On("*", "configmaps").In("default").Then(drop), []string{"GET " + maps, "GET " + maps + "/a"}, []string{"GET /api/v1/configmaps", "GET /api/v1/namespaces/other/configmaps"}},
		"matching": {
			fault.On("patch", "configmaps").Matching(contains("one")).Matching(contains("two")).Then(drop),
			[]string{"PATCH " + maps + "/a one two"},
			[]string{"PATCH " + maps + "/a one", "PATCH " + maps + "/a two", "PUT " + maps + "/a one two"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, fault.For(t, c.rule))
			for _, line := range c.yes {
				require.True(t, w.fails(line), line)
			}
			for _, line := range c.no {
				require.False(t, w.fails(line), line)
			}
		})
	}
}

func contains(part string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		data, err := io.ReadAll(r.Body)
		return err == nil && strings.Contains(string(data), part)
	}
}

func TestNamesAreReadInEveryEncoding(t *testing.T) {
	const path = "/api/v1/namespaces/default/configmaps"
	object := configMap("a")
	object.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"})
	for _, serializer := range scheme.Codecs.SupportedMediaTypes() {
		t.Run(serializer.MediaType, func(t *testing.T) {
			w := newWire(t, fault.For(t, fault.On("create", "configmaps").Named("a").Then(fault.NotSent())))
			for name, want := range map[string]bool{"a": true, "b": false} {
				object.Name = name
				var body strings.Builder
				require.NoError(t, scheme.Codecs.EncoderForVersion(serializer.Serializer, corev1.SchemeGroupVersion).Encode(object, &body))
				require.Equal(t, want, w.sends("POST", path, serializer.MediaType, body.String()))
			}
		})
	}
}

func TestCounts(t *testing.T) {
	on := fault.On("get", "configmaps")
	drop := fault.NotSent()
	for name, c := range map[string]struct {
		rules []*fault.Rule
		want  string // of six requests, those that fail
	}{
		"all":          {[]*fault.Rule{on.Then(drop)}, "111111"},
		"second":       {[]*fault.Rule{on.Nth(2).Then(drop)}, "010000"},
		"some":         {[]*fault.Rule{on.Nth(1, 3).Then(drop)}, "101000"},
		"one by one":   {[]*fault.Rule{on.Nth(1).Nth(3).Then(drop)}, "101000"},
		"from":         {[]*fault.Rule{on.From(3).Then(drop)}, "001111"},
		"times":        {[]*fault.Rule{on.Times(2).Then(drop)}, "110000"},
		"from, times":  {[]*fault.Rule{on.From(3).Times(2).Then(drop)}, "001100"},
		"after Then":   {[]*fault.Rule{on.Then(drop).Nth(4)}, "000100"},
		"first wins":   {[]*fault.Rule{on.Nth(2).Then(fault.Call(func() {})), on.Then(drop)}, "101111"},
		"own numbers":  {[]*fault.Rule{on.Nth(1).Then(fault.Call(func() {})), on.Nth(2).Then(drop)}, "010000"},
		"one by turns": {[]*fault.Rule{on.Times(2).Then(fault.Call(func() {})), on.Times(1).Then(drop)}, "001000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, fault.For(t, c.rules...))
			got := ""
			for range 6 {
				require.False(t, w.fails("GET /api/v1/configmaps"), "it is not counted")
				if w.fails("GET /api/v1/namespaces/default/configmaps/a") {
					got += "1"
				} else {
					got += "0"
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestConcurrentRequestsAreCountedOnce(t *testing.T) {
	injector := fault.For(t, fault.On("get", "configmaps").Nth(3, 7).Then(fault.Conflict()))
	w := newWire(t, injector)
	var refused sync.Map
	var group sync.WaitGroup
	for n := range 10 {
		group.Go(func() {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server/api/v1/namespaces/default/configmaps/a", http.NoBody)
			response, err := w.client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			if response.StatusCode == http.StatusConflict {
				refused.Store(n, true)
			}
		})
	}
	group.Wait()
	count := 0
	refused.Range(func(any, any) bool { count++; return true })
	require.Equal(t, 2, count)
	require.Len(t, injector.Log(), 2)
}

func TestAddRemoveClear(t *testing.T) {
	const get = "GET /api/v1/namespaces/default/configmaps/a"
	first, second := fault.On("get", "configmaps").Then(fault.NotSent()), fault.On("get", "configmaps").Nth(2).Then(fault.NotSent())
	injector, err := fault.New()
	require.NoError(t, err)
	w := newWire(t, injector)
	require.False(t, w.fails(get))
	require.NoError(t, injector.Add(first))
	require.True(t, w.fails(get))
	injector.Remove(first)
	injector.Remove(first)
	require.False(t, w.fails(get))
	require.NoError(t, injector.Add(second))
	require.False(t, w.fails(get), "requests are counted from when the rule is added")
	require.True(t, w.fails(get))
	require.NoError(t, injector.Add(first, second))
	require.True(t, w.fails(get))
	injector.Clear()
	require.False(t, w.fails(get))
	require.Equal(t, []string{`On("get", "configmaps").Nth(2).Then(NotSent()): never applied, it matched 1 requests`}, injector.Unused(), "it was added a second time")
}
