package envtest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kuberator/kuberator/test/controllerruntime/envtest"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
)

var cfg *rest.Config

func TestMain(m *testing.M) {
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../internal/website/crd"}, ErrorIfCRDPathMissing: true}
	var err error
	if cfg, err = env.Start(); err != nil {
		panic(err)
	}
	code := m.Run()
	env.Stop()
	os.Exit(code)
}

func TestSuite(t *testing.T) {
	c, err := client.New(cfg, client.Options{Scheme: website.Scheme()})
	require.NoError(t, err)
	require.NoError(t, c.List(t.Context(), &website.WebsiteList{}))
}
