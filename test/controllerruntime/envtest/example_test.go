package envtest_test

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kuberator/kuberator/test/controllerruntime/envtest"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
)

// An API server with the kinds of a folder, in milliseconds.
func ExampleEnvironment() {
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../internal/website/crd"}, ErrorIfCRDPathMissing: true}
	cfg, err := env.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer env.Stop()
	c, err := client.New(cfg, client.Options{Scheme: website.Scheme()})
	if err != nil {
		fmt.Println(err)
		return
	}
	sites := &website.WebsiteList{}
	fmt.Println(c.List(context.Background(), sites), len(sites.Items))
	// Output: <nil> 0
}
