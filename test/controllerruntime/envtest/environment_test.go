package envtest_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kuberator/kuberator/test/controllerruntime/envtest"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
)

func TestEnvironment(t *testing.T) {
	began := time.Now()
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../internal/website/crd"}, ErrorIfCRDPathMissing: true}
	cfg, err := env.Start()
	require.NoError(t, err)
	defer env.Stop()
	c, err := client.New(cfg, client.Options{Scheme: website.Scheme()})
	require.NoError(t, err)
	t.Log(time.Since(began))

	site := &website.Website{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "blog"}, Spec: website.Spec{Image: "blog:1"}}
	require.NoError(t, c.Create(t.Context(), site))
	require.EqualValues(t, 1, site.Spec.Replicas, "the default of the CRD")
	site.Status.Secret = "blog"
	require.NoError(t, c.Status().Update(t.Context(), site))
	require.True(t, client.IgnoreNotFound(c.Create(t.Context(), &website.Website{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "empty"}})) != nil, "its image is too short")
	require.NoError(t, c.List(t.Context(), &appsv1.DeploymentList{}), "kinds of Kubernetes are served")
	require.NoError(t, env.Stop())
	require.Error(t, c.List(t.Context(), &corev1.PodList{}))
	require.NoError(t, env.Stop())
}

func TestEnvironmentOfCRDs(t *testing.T) {
	text, err := os.ReadFile("../internal/website/crd/example.com_websites.yaml")
	require.NoError(t, err)
	crd := &apiextensionsv1.CustomResourceDefinition{}
	text, err = yaml.YAMLToJSON(text)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, crd))
	env := &envtest.Environment{CRDs: []*apiextensionsv1.CustomResourceDefinition{crd}, CRDDirectoryPaths: []string{"does/not/exist"}}
	cfg, err := env.Start()
	require.NoError(t, err)
	defer env.Stop()
	_, err = env.Start()
	require.ErrorContains(t, err, "started before")
	c, err := client.New(cfg, client.Options{Scheme: website.Scheme()})
	require.NoError(t, err)
	require.NoError(t, c.List(t.Context(), &website.WebsiteList{}))
}

func TestEnvironmentWithoutItsCRDs(t *testing.T) {
	env := &envtest.Environment{CRDDirectoryPaths: []string{"does/not/exist"}, ErrorIfCRDPathMissing: true}
	_, err := env.Start()
	require.ErrorContains(t, err, "does/not/exist")
	require.ErrorContains(t, err, "no such file")
}
