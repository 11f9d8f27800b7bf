//go:build unix

package cluster_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/cluster"
)

const (
	module = "github.com/kuberator/kuberator"
	nested = module + "/test/controlplane"
	hello  = "package main\n\nfunc main() { println(\"hello\") }\n"
)

// buildEnvironment gives the test a cache of its own, but leaves the go command
// the one it has.
func buildEnvironment(t *testing.T) {
	t.Helper()
	goCache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(goCache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", configWithoutTelemetry(t))
	t.Setenv("KUBEBUILDER_ASSETS", "")
	t.Setenv("KUBERATOR_CONTROLPLANE", "")
}

// configWithoutTelemetry is a folder of configuration in which the telemetry of
// the go command is off. Where it is not, the go command leaves a process
// behind that writes its counters while the folder of the test is removed.
func configWithoutTelemetry(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "go", "telemetry", "mode"), "off")
	return folder
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// stubModule writes a module that looks like this one, with a control plane that
// takes no minutes to build.
func stubModule(t *testing.T, source string) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "go.mod"), "module "+module+"\n\ngo 1.26\n")
	write(t, filepath.Join(folder, "inside", "x.go"), "package inside\n")
	controlPlane := filepath.Join(folder, "test", "controlplane")
	write(t, filepath.Join(controlPlane, "go.mod"), "module "+nested+"\n\ngo 1.26\n")
	write(t, filepath.Join(controlPlane, "go.sum"), "")
	write(t, filepath.Join(controlPlane, "main.go"), source)
	return folder
}

func requireHello(t *testing.T, path string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), path).CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, "hello\n", string(output))
}

func TestBuildIsCached(t *testing.T) {
	buildEnvironment(t)
	folder := stubModule(t, hello)
	t.Chdir(filepath.Join(folder, "inside"))

	// Test packages run at the same time; the build must not.
	var logs [3]bytes.Buffer
	var paths [3]string
	var group sync.WaitGroup
	for i := range logs {
		group.Go(func() {
			path, err := cluster.Binary(context.WithoutCancel(t.Context()), &logs[i])
			if err == nil {
				paths[i] = path
			}
		})
	}
	group.Wait()
	requireHello(t, paths[0])
	require.Equal(t, [3]string{paths[0], paths[0], paths[0]}, paths)
	all := logs[0].String() + logs[1].String() + logs[2].String()
	require.Equal(t, 1, strings.Count(all, "the first time this takes some minutes"), all)
	require.Contains(t, all, "built the control plane in ")

	write(t, filepath.Join(folder, "test", "controlplane", "main.go"), strings.Replace(hello, "hello", "changed", 1))
	changed, err := cluster.Binary(t.Context(), io.Discard)
	require.NoError(t, err)
	require.NotEqual(t, paths[0], changed, "a change of the source is built")
}

func TestBuildFails(t *testing.T) {
	buildEnvironment(t)
	t.Chdir(stubModule(t, "package main\n\nfunc main() { nonsense() }\n"))
	_, err := cluster.Binary(t.Context(), io.Discard)
	require.ErrorContains(t, err, "building the control plane: ")
	require.ErrorContains(t, err, "main.go:3:15: undefined: nonsense")
	left, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "kuberator", "*.building"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestBuildIsCancelled(t *testing.T) {
	buildEnvironment(t)
	t.Chdir(stubModule(t, hello))
	bin := t.TempDir()
	started := filepath.Join(bin, "started")
	script(t, bin, "go", "touch "+started+"; exec sleep 60")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))

	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := cluster.Binary(ctx, io.Discard)
		failed <- err
	}()
	eventually(t, "the build has started", func() bool { _, err := os.Stat(started); return err == nil })
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
}

// TestBuildForAnotherModule is what a user of the library gets: the source comes
// from where the user's go.mod says.
func TestBuildForAnotherModule(t *testing.T) {
	t.Run("replaced", func(t *testing.T) {
		buildEnvironment(t)
		t.Chdir(t.TempDir())
		write(t, "go.mod", fmt.Sprintf("module example.com/user\n\ngo 1.26\n\nrequire %s v1.2.3\n\nreplace %s => %s\n",
			module, module, stubModule(t, hello)))
		path, err := cluster.Binary(t.Context(), io.Discard)
		require.NoError(t, err)
		requireHello(t, path)
	})
	// A version with a tag, and one of a commit, where the nested module has a
	// version with another base.
	for _, versions := range [][2]string{
		{"v1.2.3", "v1.2.3"},
		{"v1.2.4-0.20260102030405-0123456789ab", "v0.0.0-20260102030405-0123456789ab"},
	} {
		t.Run(versions[0], func(t *testing.T) {
			buildEnvironment(t)
			useProxy(t, versions[0], versions[1])
			t.Chdir(t.TempDir())
			write(t, "go.mod", "module example.com/user\n\ngo 1.26\n")
			output, err := exec.CommandContext(t.Context(), "go", "get", module+"@"+versions[0]).CombinedOutput()
			require.NoError(t, err, string(output))
			path, err := cluster.Binary(t.Context(), io.Discard)
			require.NoError(t, err)
			requireHello(t, path)
		})
	}
	t.Run("not required", func(t *testing.T) {
		buildEnvironment(t)
		t.Chdir(t.TempDir())
		write(t, "go.mod", "module example.com/user\n\ngo 1.26\n")
		_, err := cluster.Binary(t.Context(), io.Discard)
		require.ErrorContains(t, err, "finding the version of "+module)
		require.ErrorContains(t, err, "set KUBERATOR_CONTROLPLANE to a built control plane")
	})
}

// useProxy makes the go command download the two modules from a folder.
func useProxy(t *testing.T, version, nestedVersion string) {
	t.Helper()
	proxy, source := t.TempDir(), stubModule(t, hello)
	publish(t, proxy, module, version, source, "go.mod", "inside/x.go")
	publish(t, proxy, nested, nestedVersion, filepath.Join(source, "test", "controlplane"), "go.mod", "main.go")
	t.Setenv("GOPROXY", "file://"+proxy)
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw")
}

// publish writes what a module proxy serves for one version.
func publish(t *testing.T, proxy, path, version, source string, files ...string) {
	t.Helper()
	folder := filepath.Join(proxy, path, "@v")
	info := fmt.Sprintf(`{"Version":%q,"Time":"2026-01-02T03:04:05Z"}`, version)
	write(t, filepath.Join(folder, "list"), version+"\n")
	write(t, filepath.Join(folder, version+".info"), info)
	// What a proxy answers when it is asked for a commit.
	write(t, filepath.Join(folder, version[strings.LastIndex(version, "-")+1:]+".info"), info)
	goMod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	require.NoError(t, err)
	write(t, filepath.Join(folder, version+".mod"), string(goMod))

	archive, err := os.Create(filepath.Join(folder, version+".zip"))
	require.NoError(t, err)
	defer archive.Close()
	writer := zip.NewWriter(archive)
	for _, name := range files {
		entry, err := writer.Create(path + "@" + version + "/" + name)
		require.NoError(t, err)
		content, err := os.ReadFile(filepath.Join(source, name))
		require.NoError(t, err)
		_, err = entry.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
}
