package debug_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var scenes = flag.String("scenes", "", "a folder for the pages of the scenes, of which screenshots are made")

// scene keeps a page that can be looked at.
func (w *world) scene(name, url string) {
	w.t.Helper()
	answer := w.get(url, browser)
	require.Equal(w.t, 200, answer.Code)
	if *scenes != "" {
		require.NoError(w.t, os.WriteFile(filepath.Join(*scenes, name+".html"), answer.Body.Bytes(), 0o600))
	}
}

// The scenes of the screenshots in the documentation.
func TestScenes(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.inspector.Fact("leader", func() string { return "this process (operator-7d9c) since 12:03" })
		for i := range 12 {
			w.create("shop", fmt.Sprintf("settings-%02d", i), "")
			time.Sleep(80 * time.Second)
		}
		w.pause("shop", "settings-03", "true")
		w.pause("shop", "settings-07", time.Now().Add(26*time.Hour).UTC().Format(time.RFC3339))
		time.Sleep(5 * time.Minute)
		w.scene("idle", "/debug/controllers")
		w.create("team-a", "broken", "fail")
		w.create("team-a", "negative", "refuse")
		w.create("shop", "tomorrow", "later")
		time.Sleep(20 * time.Minute)
		for i := range 60 {
			w.create("shop", fmt.Sprintf("batch-%02d", i), "slow")
			time.Sleep(200 * time.Millisecond)
		}
		w.scene("busy", "/debug/controllers")
		w.scene("story", "/debug/controllers?key=team-a/broken")
		time.Sleep(10 * time.Minute)
	})
}
