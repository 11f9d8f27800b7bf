// Command cmd is the operator configmirror: in a Pod it runs as its service account,
// elsewhere with a kubeconfig. SIGINT and SIGTERM end it in order, a second one at
// once.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "`path` of a kubeconfig; by default $KUBECONFIG, the usual file, or the Pod's service account")
	workers := flag.Int("workers", 0, "`number` of mirrors worked on at the same time; 0 means the default")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal then ends the process at once
	if err := run(ctx, *kubeconfig, &controller.Options{Workers: *workers}); err != nil {
		fmt.Fprintln(os.Stderr, "configmirror:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig string, opts *controller.Options) error {
	cfg, err := connect(kubeconfig)
	if err != nil {
		return err
	}
	c, err := configmirror.New(cfg, opts)
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

func connect(kubeconfig string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find out which cluster to work on: %w", err)
	}
	return cfg, nil
}
