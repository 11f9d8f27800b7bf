package leader_test

import (
	"context"
	"fmt"
	"log"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/test/sim"
)

// A process that leads runs its controllers, here two functions.
func ExampleElector() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("leases.coordination.k8s.io"), Namespaces: []string{"shop"}})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx, cfg := context.Background(), srv.Config()
	shops := controller.RunnerFunc(func(context.Context) error { fmt.Println("shops"); return nil })
	orders := controller.RunnerFunc(func(context.Context) error { return nil })

	elector, err := leader.New(cfg, types.NamespacedName{Namespace: "shop", Name: "shop-operator"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	elector.Lead(shops, orders) // controllers
	err = elector.Run(ctx)      // or controller.RunAll(ctx, elector, server)
	fmt.Println(err)
	// Output:
	// shops
	// <nil>
}
