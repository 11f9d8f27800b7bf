package kuberator_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/yaml"

	mirror "github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	external "github.com/kuberator/kuberator/example/external/api/v1alpha1"
	foo "github.com/kuberator/kuberator/example/foo/api/v1alpha1"
)

// TestYAMLInDocumentsIsRead finds every YAML block of the documents in a YAML file of the repository, or reads it
// strictly: an object by its Go type, one without a kind as metadata.
func TestYAMLInDocumentsIsRead(t *testing.T) {
	files := filesOf(t, ".yaml")
	known := external.Scheme()
	known.AddKnownTypes(corev1.SchemeGroupVersion, &corev1.Pod{})
	for _, add := range []func(*runtime.Scheme) error{foo.AddToScheme, mirror.AddToScheme} {
		require.NoError(t, add(known))
	}
	strict := serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
	block := regexp.MustCompile("(?ms)^ *```ya?ml\n(.*?)```")
	blocks := 0
	for _, document := range documents(t) {
		for _, match := range block.FindAllStringSubmatch(read(t, document), -1) {
			blocks++
			if strings.Contains(files, match[1]) {
				continue
			}
			require.False(t, strings.HasPrefix(filepath.ToSlash(document), "docs/"), "a YAML block of %s stands in no YAML file:\n%s", document, match[1])
			if strings.HasPrefix(match[1], "metadata:\n") {
				require.NoError(t, yaml.UnmarshalStrict([]byte(match[1]), &metav1.PartialObjectMetadata{}), document)
				continue
			}
			_, _, err := strict.Decode([]byte(match[1]), nil, nil)
			require.NoError(t, err, "a YAML block of %s stands in no YAML file, and cannot be read:\n%s", document, match[1])
		}
	}
	require.Positive(t, blocks)
}
