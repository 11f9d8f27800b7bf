package debug_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
	"github.com/kuberator/kuberator/kerr"
)

// The story of an object answers why it was reconciled, and what it waits for.
func TestTheStoryOfAnObject(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.create("team-a", "broken", "fail")
		time.Sleep(time.Second)
		answer := w.get("/debug/controllers?key=team-a/broken", "*/*")
		require.Equal(t, "text/plain; charset=utf-8", answer.Header().Get("Content-Type"))
		story := answer.Body.String()
		require.Contains(t, story, "ConfigMap team-a/broken (controller configmap)\nIt failed 4 times in a row; the next attempt is in ")
		require.Contains(t, story, "because: retry 3\n")
		require.Contains(t, story, "because: ConfigMap team-a/broken added at ")
		require.Contains(t, story, "apply: failed (Transient, 4 in a row): apply ConfigMap team-a/broken: ask the registry: connection refused; next in ")

		w.create("team-a", "fine", "")
		time.Sleep(time.Second)
		story = w.get("/?key=team-a/fine", "").Body.String()
		require.Contains(t, story, "It waits for a change.")
		require.Contains(t, story, "it reads:\n  Secret team-a/fine\n")
		require.Contains(t, story, "read, as Secret team-a/fine, by: team-a/fine\n")
		require.Contains(t, story, "1 write, apply: ok")
	})
}

// Each place where an object can be is said in words.
func TestWhatAnObjectWaitsFor(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		waits := func(name string) string {
			lines := strings.Split(w.get("/?key=shop/"+name, "").Body.String(), "\n")
			return lines[1]
		}
		w.create("shop", "tomorrow", "later")
		time.Sleep(time.Minute)
		require.Equal(t, "Apply or Cleanup asked for an attempt in 59m.", waits("tomorrow"))
		w.server.Watches("secrets").Hold()
		w.create("shop", "unseen", "")
		time.Sleep(time.Second)
		w.c.Enqueue(types.NamespacedName{Namespace: "shop", Name: "unseen"})
		time.Sleep(5 * time.Second)
		require.Equal(t, "It has been kept back for 5s, until caches show what its own attempts wrote.", waits("unseen"))
		require.Contains(t, w.get("/", "").Body.String(), "kept back (stale): 1 object, the longest for 5s\n    shop/unseen (stale) for 5s\n")
		w.server.Watches("secrets").Release()
		time.Sleep(time.Second) // its attempt comes before those that hang
		for i := range 4 {
			w.create("shop", fmt.Sprint("hangs-", i), "hang")
		}
		time.Sleep(time.Minute)
		require.Equal(t, "An attempt is under way.", waits("hangs-0"))
		w.create("shop", "behind", "")
		time.Sleep(time.Second)
		require.Equal(t, "It waits for a worker.", waits("behind"))
		time.Sleep(25 * time.Minute)
		require.Contains(t, w.get("/", "").Body.String(), "controller configmap (ConfigMap): running, 4 attempts are stuck\n  4 of 4 workers busy; 1 queued (0 of them behind)")
		time.Sleep(time.Hour)
	})
}

func TestWhatIsNotThere(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		answer := w.get("/?key=team-a/nobody", "")
		require.Equal(t, http.StatusNotFound, answer.Code)
		require.Contains(t, answer.Body.String(), "nothing is known of team-a/nobody")
		require.Contains(t, w.get("/?q=nobody", "").Body.String(), "nothing found")
		require.Equal(t, http.StatusBadRequest, w.get("/?format=xml", "").Code)
		require.Equal(t, http.StatusMethodNotAllowed, ask(w.inspector, http.MethodPost, "/", "").Code)
		w.stop()
		require.Contains(t, w.get("/", "").Body.String(), "controller configmap: not running")
	})
	require.Contains(t, ask(debug.New(nil), http.MethodGet, "/", "").Body.String(), "no controller has run yet")
}

func TestSearch(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for i := range 60 {
			w.create("shop", fmt.Sprintf("cart-%02d", i), "")
		}
		w.create("team-a", "other", "")
		time.Sleep(time.Minute)
		found := w.get("/?q=cart", "").Body.String()
		require.Contains(t, found, "configmap: ConfigMap shop/cart-00\n")
		require.NotContains(t, found, "other")
		require.Contains(t, found, "and 10 more")
	})
}

// TestG21APauseIsShown, with its end, and what is wrong with the annotation.
func TestG21APauseIsShown(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		pause := func(name, value string) string {
			time.Sleep(time.Second) // the first attempt is over
			w.pause("shop", name, value)
			time.Sleep(time.Second)
			return w.get("/?key=shop/"+name, "").Body.String()
		}
		w.create("shop", "a", "later")
		story := pause("a", "true")
		require.Contains(t, story, "\nIt is paused, until its annotation kuberator.dev/paused changes. It has been kept back for 1s, since it is paused.\nreasons for the next attempt: ConfigMap shop/a updated at ")
		require.Contains(t, story, "0 writes, pause: ok\n")
		require.Contains(t, pause("a", "2000-01-01T05:00:00+01:00"), "\nIt is paused, until 2000-01-01T04:00:00Z. It has been kept back for 3s")
		w.create("shop", "b", "")
		require.Contains(t, pause("b", "\\u001b[2J"), `It is paused: the annotation kuberator.dev/paused is "`)

		page := w.get("/", "").Body.String()
		require.Contains(t, page, "kept back (paused): 2 objects, the longest for 5s\n    shop/a (paused until 2000-01-01T04:00:00Z) for 5s\n    shop/b (paused) for 1s\n")
		require.Contains(t, w.get("/", browser).Body.String(), "paused until 2000-01-01T04:00:00Z")
		require.Contains(t, w.get("/?key=shop/a", browser).Body.String(), "It is paused, until 2000-01-01T04:00:00Z.")
		type view struct {
			Until *time.Time
			Error string
		}
		paused := func(name string) view {
			var page struct{ Stories []struct{ Paused view } }
			require.NoError(t, json.Unmarshal(w.get("/?key=shop/"+name+"&format=json", "").Body.Bytes(), &page))
			return page.Stories[0].Paused
		}
		require.Equal(t, time.Date(2000, 1, 1, 4, 0, 0, 0, time.UTC), *paused("a").Until)
		require.Nil(t, paused("b").Until)
		require.NotEmpty(t, paused("b").Error)
	})
}

// Programs get all of it as JSON.
func TestJSON(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.create("team-a", "broken", "fail")
		w.create("team-a", "fine", "")
		time.Sleep(10 * time.Second)
		answer := w.get("/", "application/json")
		require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
		var page struct {
			Controllers []struct {
				Name, Kind, State string
				Retrying          int
				Caches            []struct {
					Kind    string
					Objects int
				}
				Throughput []struct{ OK, Failed int }
				Failures   []struct {
					Class string
					Count int
					Last  struct {
						Key  string
						Took float64
					}
				}
				Recent []struct{ Key, Class string }
			}
		}
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
		require.Len(t, page.Controllers, 1)
		c := page.Controllers[0]
		require.Equal(t, [3]string{"configmap", "ConfigMap", "running"}, [3]string{c.Name, c.Kind, c.State})
		require.Equal(t, 1, c.Retrying)
		require.Equal(t, 2, c.Caches[0].Objects)
		require.Equal(t, "Secret", c.Caches[1].Kind)
		require.Len(t, c.Throughput, 60)
		last := c.Throughput[59]
		require.Equal(t, c.Failures[0].Count, last.Failed)
		require.Positive(t, last.OK)
		require.Equal(t, "Transient", c.Failures[0].Class)
		require.Equal(t, "team-a/broken", c.Failures[0].Last.Key)
		require.InDelta(t, 0.02, c.Failures[0].Last.Took, 0.001)
		require.NotEmpty(t, c.Recent)
	})
}

const hostile = "<script>alert(1)</script>\"'`\x1b[31m\u202e\nINFO fake"

// Names and errors cannot do anything to a browser or a terminal, whoever chose them.
func TestS4HostileNames(t *testing.T) {
	in := debug.New(nil)
	in.Fact("who", func() string { return hostile })
	in.Fact("bad", func() string { panic(hostile) })
	kind := corev1.SchemeGroupVersion.WithKind("ConfigMap")
	key := types.NamespacedName{Namespace: "shop", Name: hostile}
	in.Ended(t.Context(), controller.Attempt{
		Controller: hostile, Kind: kind, Key: key, Op: kerr.OpApply, Next: -1, Err: fmt.Errorf("%s", hostile),
		Reasons: []controller.Reason{{Verb: controller.VerbUpdated, Kind: kind.GroupKind(), Key: key}},
	})
	in.Trouble(controller.Trouble{Controller: hostile, Op: kerr.OpDecode, Kind: kind.GroupKind(), Key: key, Err: fmt.Errorf("%s", hostile)})
	for _, url := range []string{"/", "/?q=" + "shop", "/?key=shop/%3Cscript%3E%22'%60%1b", "/?q=%3Cscript%3E%1b%0a"} {
		for _, accept := range []string{browser, "application/json", "*/*"} {
			answer := ask(in, http.MethodGet, url, accept)
			body := answer.Body.String()
			for _, r := range "\x1b\u202e" {
				require.NotContains(t, body, string(r), "%s as %s", url, accept)
			}
			require.NotContains(t, body, "\nINFO fake")
			if accept == browser {
				require.NotContains(t, body, "<script>alert")
				require.Equal(t, 1, strings.Count(body, "<script"), "its own")
				policy := answer.Header().Get("Content-Security-Policy")
				require.Contains(t, policy, "default-src 'none'")
				require.NotContains(t, policy, "unsafe")
			}
			require.Equal(t, "nosniff", answer.Header().Get("X-Content-Type-Options"))
		}
	}
}

// The page that a browser asks for again, while it shows it, is the part that changes.
func TestThePartThatChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		whole := w.get("/", browser).Body.String()
		require.Contains(t, whole, "<!DOCTYPE html>")
		for _, outside := range []string{"http://", "https://", "src=", "@import", "url("} {
			require.NotContains(t, whole, outside, "it needs nothing from anywhere")
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("X-Part", "main")
		r.Header.Set("Accept", browser)
		part := serve(w.inspector, r).Body.String()
		require.NotContains(t, part, "<html")
		require.Contains(t, whole, part)
	})
}

// However many objects there are, the last ones are remembered, and their last attempts.
func TestG19TheInspectorIsBounded(t *testing.T) {
	in := debug.New(&debug.Options{Objects: 100, Attempts: 3})
	for i := range 100_000 {
		key := types.NamespacedName{Namespace: "shop", Name: fmt.Sprint("o", i%5000)}
		in.Ended(t.Context(), controller.Attempt{Controller: "c", Key: key, Start: time.Now(), Next: -1})
	}
	for range 5 {
		in.Ended(t.Context(), controller.Attempt{Controller: "c", Key: types.NamespacedName{Namespace: "shop", Name: "o4999"}, Start: time.Now(), Next: -1})
	}
	found := ask(in, http.MethodGet, "/?q=shop", "").Body.String()
	require.Contains(t, found, "and 345 more", "those of interest, and the last 300 attempts, of which 5 are of one object, less the 50 that are shown")
	story := ask(in, http.MethodGet, "/?key=shop/o4999", "").Body.String()
	require.Equal(t, 3, strings.Count(story, " ago, took "))
	require.Contains(t, ask(in, http.MethodGet, "/?key=shop/o200", "").Body.String(), "nothing is known")
}
