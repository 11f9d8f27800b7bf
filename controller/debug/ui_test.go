package debug_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/controller/debug"
)

var (
	chromium = flag.String("chromium", "", "the program Chromium, with which TestUI looks at the page")
	images   = flag.String("images", "", "a folder for screenshots")
)

// browse runs Chromium without a window.
func browse(t *testing.T, url string, args ...string) []byte {
	t.Helper()
	if *chromium == "" {
		t.Skip("without -chromium; see make test-ui")
	}
	args = append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir()}, args...)
	cmd := exec.CommandContext(t.Context(), *chromium, append(args, url)...)
	messages := &logs{}
	cmd.Stderr = messages
	out, err := cmd.Output()
	require.NoError(t, err, "%s", messages)
	require.NotContains(t, string(*messages), "CONSOLE", "an error of the page, or something that its policy forbids")
	return out
}

type logs []byte

func (l *logs) Write(p []byte) (int, error) { *l = append(*l, p...); return len(p), nil }
func (l *logs) String() string              { return string(*l) }

// The page stays up to date without being loaded again, and its policy lets it.
func TestUIStaysUpToDate(t *testing.T) {
	in, asked := debug.New(nil), atomic.Int32{}
	in.Fact("asked", func() string { return fmt.Sprintf("%d times", asked.Add(1)) })
	server := httptest.NewServer(in)
	defer server.Close()
	dom := string(browse(t, server.URL+"/debug/controllers", "--virtual-time-budget=7000", "--dump-dom"))
	require.Contains(t, dom, "asked:</span> 4 times")
}

// The pictures of the documentation.
func TestUIScreenshots(t *testing.T) {
	if *images == "" {
		t.Skip("without -images; see make test-ui")
	}
	*scenes = t.TempDir()
	TestScenes(t)
	server := httptest.NewServer(http.FileServer(http.Dir(*scenes)))
	defer server.Close()
	for _, shot := range []struct {
		scene, name   string
		width, height int
		dark          bool
	}{
		{"idle", "page-idle", 1200, 800, false},
		{"busy", "page-busy", 1200, 900, false},
		{"busy", "page-dark", 1200, 900, true},
		{"story", "page-story", 1200, 640, false},
		{"busy", "page-phone", 500, 900, false},
	} {
		file := filepath.Join(*images, shot.name+".png")
		args := []string{"--window-size=" + strconv.Itoa(shot.width) + "," + strconv.Itoa(shot.height), "--screenshot=" + file}
		if shot.dark {
			args = append(args, "--blink-settings=preferredColorScheme=0")
		}
		browse(t, server.URL+"/"+shot.scene+".html", args...)
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Greater(t, info.Size(), int64(10_000))
	}
}
