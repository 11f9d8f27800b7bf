package sim_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/test/sim"
)

const definitionFile = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, kind: Gadget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

// A folder as code generators and kustomize leave it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestCRDFiles(t *testing.T) {
	dir := folder(t, map[string]string{
		"gadgets.yaml":       "---\n" + definitionFile,
		"kustomization.yaml": "resources: [gadgets.yaml]\n",
		"patches/other.yaml": "not: [read",
		"notes.txt":          "not: [read",
	})
	gadget := schema.GroupKind{Group: "example.com", Kind: "Gadget"}
	for _, path := range []string{dir, filepath.Join(dir, "gadgets.yaml")} {
		kinds := sim.CRDFiles(path)
		require.Len(t, kinds, 1)
		require.Equal(t, gadget, kinds[0].GroupKind())
		srv, err := sim.New(sim.Options{Kinds: kinds})
		require.NoError(t, err)
		srv.Close()
	}
}

func TestCRDFilesThatAreWrong(t *testing.T) {
	for want, path := range map[string]string{
		"no such file":                    "does/not/exist",
		"has no CustomResourceDefinition": folder(t, map[string]string{"kustomization.yaml": "resources: []\n"}),
		"bad.yaml: ":                      folder(t, map[string]string{"bad.yaml": "a: [b"}),
	} {
		_, err := sim.New(sim.Options{Kinds: sim.CRDFiles(path)})
		require.ErrorContains(t, err, want)
	}
}
