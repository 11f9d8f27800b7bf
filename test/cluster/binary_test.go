//go:build unix

package cluster_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/cluster"
)

// script writes a program that stands in for a real one.
func script(t *testing.T, folder, name, body string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755))
	return path
}

// binary returns the path of the real program.
func binary(t *testing.T) string {
	t.Helper()
	path, err := cluster.Binary(t.Context(), nil)
	require.NoError(t, err)
	return path
}

func TestBrokenBinary(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", "")
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("KUBERATOR_CONTROLPLANE", script(t, t.TempDir(), "broken", `echo "out of cheese" >&2; exit 1`))
	_, err := cluster.New(t.Context(), nil)
	require.ErrorContains(t, err, "starting the control plane: etcd (pid ")
	require.ErrorContains(t, err, "ended unexpectedly: exit status 1; the end of its log:\nout of cheese")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestBrokenAPIServer gives a flag that the API server refuses: etcd is running by
// then and must end.
func TestBrokenAPIServer(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, err := cluster.New(t.Context(), &cluster.Options{APIServerFlags: []string{"--no-such-flag"}})
	require.ErrorContains(t, err, "starting the control plane: kube-apiserver (pid ")
	require.ErrorContains(t, err, "unknown flag: --no-such-flag")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestMissingBinary(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", "")
	t.Setenv("KUBERATOR_CONTROLPLANE", filepath.Join(t.TempDir(), "missing"))
	_, err := cluster.Binary(t.Context(), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "control plane named by KUBERATOR_CONTROLPLANE")
}

// TestKubebuilderAssets starts from a folder like that of setup-envtest, where
// there is no controller manager.
func TestKubebuilderAssets(t *testing.T) {
	real, folder := binary(t), t.TempDir()
	var log bytes.Buffer
	t.Setenv("KUBEBUILDER_ASSETS", folder)
	path, err := cluster.Binary(t.Context(), &log)
	require.NoError(t, err, "without the programs the folder is passed over")
	require.NotEqual(t, folder, filepath.Dir(path))
	require.Contains(t, log.String(), "has no etcd and kube-apiserver, looking elsewhere")

	for _, name := range []string{"etcd", "kube-apiserver"} {
		script(t, folder, name, "exec "+real+" "+name+` "$@"`)
	}
	path, err = cluster.Binary(t.Context(), &log)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(folder, "kube-apiserver"), path)

	log.Reset()
	c := cluster.Start(t, &cluster.Options{Log: &log})
	require.Contains(t, log.String(), "has no kube-controller-manager: namespaces will not go away")
	require.Nil(t, c.ControllerManager())
	require.NoError(t, ready(t, c.Config(), patience))
}
