package loopback_test

import (
	"fmt"

	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/loopback"
)

// kubectl, and programs in any language, use the kubeconfig.
func ExampleServe() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	served, err := loopback.Serve(srv, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer served.Close()
	fmt.Println("export KUBECONFIG=" + served.Kubeconfig())
}
