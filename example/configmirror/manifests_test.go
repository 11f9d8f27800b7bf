package configmirror

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/operator"
)

// TestS1RoleCoversWhatTheLibraryNeeds compares the manifest with what the library
// says. That it is enough, and no more than that, is tested on a real API server.
func TestS1RoleCoversWhatTheLibraryNeeds(t *testing.T) {
	c, err := New(&rest.Config{}, nil)
	require.NoError(t, err)
	allowed := map[string]bool{}
	for _, rule := range role(t).Rules {
		each(rule, func(right string) { allowed[right] = true })
	}
	for _, rule := range c.RequiredRules() {
		each(rule, func(right string) { require.True(t, allowed[right], right) })
	}
}

func each(rule rbacv1.PolicyRule, f func(right string)) {
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				f(verb + " " + resource + "." + group)
			}
		}
	}
}

func role(t *testing.T) *rbacv1.ClusterRole {
	t.Helper()
	documents := yaml.NewDocumentDecoder(readCloser{bytes.NewReader(RBAC())})
	for {
		document := make([]byte, len(RBAC()))
		n, err := documents.Read(document)
		require.NoError(t, err, "there is no ClusterRole")
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(document[:n], nil, nil)
		require.NoError(t, err)
		if found, ok := obj.(*rbacv1.ClusterRole); ok {
			return found
		}
	}
}

type readCloser struct{ *bytes.Reader }

// Close does nothing.
func (readCloser) Close() error { return nil }

// Kills: a change of the operator that its manifests do not know of. make generate writes them.
func TestTheManifestsAreUpToDate(t *testing.T) {
	files, err := operator.Manifests(Name, nil, Setup, ProcessOptions())
	require.NoError(t, err)
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("config", path))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), path)
	}
	for _, folder := range []string{"base", "monitoring", "uninstall"} {
		entries, err := os.ReadDir(filepath.Join("config", folder))
		require.NoError(t, err)
		for _, e := range entries {
			require.Contains(t, files, folder+"/"+e.Name())
		}
	}
}
