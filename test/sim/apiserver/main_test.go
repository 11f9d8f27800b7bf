package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, kind: Thing}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

func file(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// running runs the program with flags, and returns a client of it, and what ends it.
func running(t *testing.T, args ...string) (client kubernetes.Interface, said *bytes.Buffer, end func() error) {
	t.Helper()
	opts, err := parse(args, t.Output())
	require.NoError(t, err)
	s, err := start(opts)
	require.NoError(t, err)
	said = &bytes.Buffer{}
	s.greet(said)
	cfg, err := clientcmd.BuildConfigFromFlags("", s.served.Kubeconfig())
	require.NoError(t, err)
	client, err = kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	return client, said, s.close
}

// It serves definitions from a folder, begins with a state, and writes it back.
func TestState(t *testing.T) {
	crds, folder := t.TempDir(), t.TempDir()
	file(t, crds, "things.yaml", definition)
	file(t, crds, "kustomization.yaml", "resources: [things.yaml]")
	file(t, crds, "README.md", "not YAML: [")
	state := filepath.Join(folder, "state.yaml")

	client, said, end := running(t, "-crds", crds, "-state", state, "-save")
	require.Contains(t, said.String(), "simulated Kubernetes API server")
	require.Contains(t, said.String(), "Loaded 1 object.")
	_, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": "v"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, end())

	client, _, end = running(t, "-state", state)
	got, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"k": "v"}, got.Data)
	_, err = client.Discovery().ServerResourcesForGroupVersion("example.com/v1")
	require.NoError(t, err)
	require.NoError(t, client.CoreV1().ConfigMaps("default").Delete(t.Context(), "a", metav1.DeleteOptions{}))
	require.NoError(t, end())
	after, err := read(state)
	require.NoError(t, err)
	require.Contains(t, names(after), "a", "it was not to be saved")
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{state}, left)
}

func names[T interface{ GetName() string }](objects []T) (out []string) {
	for _, o := range objects {
		out = append(out, o.GetName())
	}
	return out
}

// Faults are those of the rules, and of no other requests.
func TestFaults(t *testing.T) {
	rules := file(t, t.TempDir(), "faults.txt", "# two rules\ncreate configmaps name=a conflict; get secrets nth=2,3 unavailable=0s\nget configmaps name=b commit-then-eof\n")
	client, said, end := running(t, "-faults", "@"+rules)
	require.Contains(t, said.String(), "fail on purpose")
	maps := client.CoreV1().ConfigMaps("default")
	make := func(name string) error {
		_, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		return err
	}
	require.True(t, apierrors.IsConflict(make("a")))
	require.NoError(t, make("b"))
	for n := range 4 {
		_, err := client.CoreV1().Secrets("default").Get(t.Context(), "s", metav1.GetOptions{})
		require.Equal(t, n == 1 || n == 2, apierrors.IsServiceUnavailable(err), "%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := maps.Get(ctx, "b", metav1.GetOptions{})
	require.Error(t, err)
	require.Equal(t, metav1.StatusReasonUnknown, apierrors.ReasonForError(err), "the connection breaks: %v", err)
	require.NoError(t, end())
}

func TestWrongRules(t *testing.T) {
	for text, says := range map[string]string{
		"get":                          "a rule is a verb, a resource, and what happens",
		"get pods name=a":              "it does not say what happens",
		"get pods explode":             `"explode" is not known`,
		"get pods delay":               "delay needs a duration",
		"get pods nth=x conflict":      `"x" is no number`,
		"fly pods conflict":            `verb`,
		"get pods conflict delay=1s":   "nothing can follow it",
		"@/no/such/file":               "no such file",
		"get pods nth=1 times=2 drop ": "neither From nor Times go with it",
	} {
		_, err := faults(text)
		require.ErrorContains(t, err, says, text)
		require.ErrorContains(t, err, "-faults", text)
	}
	none, err := faults(" # nothing")
	require.NoError(t, err)
	require.Nil(t, none)
}

func TestWrongFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"serve"}, "takes flags only"},
		{[]string{"-save"}, "-save needs -state"},
		{[]string{"-latency", "soon"}, "invalid value"},
		{[]string{"-latency", "-5s"}, "must not be negative"},
	} {
		problems := &bytes.Buffer{}
		_, err := parse(c.args, problems)
		require.ErrorIs(t, err, errUsage)
		require.Contains(t, problems.String(), c.says)
	}
	help := &bytes.Buffer{}
	_, err := parse([]string{"-h"}, help)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Contains(t, help.String(), "-faults rules")
	empty, folder := t.TempDir(), t.TempDir()
	for _, c := range []struct {
		opts options
		says string
	}{
		{options{crds: empty}, "there is no CustomResourceDefinition"},
		{options{crds: filepath.Join(empty, "none")}, "no such file"},
		{options{state: filepath.Join(empty, "none")}, "no such file"},
		{options{state: empty, save: true}, "is a folder"},
		{options{state: filepath.Join(empty, "none", "state.yaml"), save: true}, "it could not be saved"},
		{options{kubeconfig: file(t, folder, "config", "{apiVersion: v1, kind: Config, clusters: [{name: prod, cluster: {server: https://prod.example.com}}]}")}, `has the cluster "prod"`},
		{options{kubeconfig: file(t, folder, "notes", "{kind: Other")}, "is no kubeconfig"},
		{options{state: file(t, folder, "bad.yaml", "a: [")}, "document 1"},
		{options{state: file(t, folder, "unknown.yaml", "{apiVersion: example.com/v1, kind: Unknown, metadata: {name: u}}")}, "is not served"},
	} {
		_, err := start(c.opts)
		require.ErrorContains(t, err, c.says)
	}
}

// It ends with its ctx, within a moment.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	out := &greeted{said: make(chan struct{})}
	go func() { ended <- run(ctx, []string{"-latency", "1ms"}, out, t.Output()) }()
	<-out.said
	cancel()
	require.NoError(t, <-ended)
	require.ErrorIs(t, run(ctx, []string{"x"}, out, t.Output()), errUsage)
	require.Equal(t, 2, status(errUsage, t.Output()))
	require.Equal(t, 0, status(flag.ErrHelp, t.Output()))
	require.Equal(t, 1, status(io.EOF, t.Output()))
}

// greeted says when the program has said the first thing.
type greeted struct{ said chan struct{} }

func (g *greeted) Write(p []byte) (int, error) {
	select {
	case <-g.said:
	default:
		close(g.said)
	}
	return len(p), nil
}
