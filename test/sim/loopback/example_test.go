package loopback_test

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

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

	cfg, err := clientcmd.BuildConfigFromFlags("", served.Kubeconfig()) // as another program does: KUBECONFIG
	if err != nil {
		fmt.Println(err)
		return
	}
	maps, err := kubernetes.NewForConfigOrDie(cfg).CoreV1().ConfigMaps("default").List(context.Background(), metav1.ListOptions{})
	fmt.Println(len(maps.Items), err)
	// Output: 0 <nil>
}
