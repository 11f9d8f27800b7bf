// Command controlplane is a Kubernetes control plane in one program: etcd, the
// API server and a controller manager, each as a sub-command that takes the
// flags of the original.
//
//	controlplane etcd --data-dir=/tmp/etcd …
//	controlplane kube-apiserver --etcd-servers=http://127.0.0.1:2379 …
//	controlplane kube-controller-manager --kubeconfig=admin.kubeconfig …
//	controlplane version
//
// The first two are the originals. The controller manager runs four controllers of the
// original, those that tests of operators notice: the garbage collector, and those of
// namespaces, Deployments and ReplicaSets. It knows the flags that they need, and
// refuses others.
//
// It exists so that tests of operators can run against a real API server with
// nothing downloaded but Go modules. Package
// [github.com/kuberator/kuberator/test/cluster] builds, caches and starts it;
// use that package rather than this command, unless you want the binary itself:
//
//	CGO_ENABLED=0 go install -trimpath -gcflags="all=-dwarf=false -l" -ldflags="-s -w" \
//		github.com/kuberator/kuberator/test/controlplane@latest
//
// The module needs no replace directives, which is what makes go install work:
// k8s.io/kubernetes requires its staging modules at v0.0.0 and replaces them in
// its own tree, so this module requires each of them at the version that belongs
// to the Kubernetes release, and version selection does the rest.
//
// # Life tied to the parent
//
// If the environment variable KUBERATOR_PARENT_PIPE is 1, the program reads its
// standard input and exits as soon as that ends. A parent which keeps the other
// end of a pipe open therefore leaves no process behind, even if it is killed
// and has no chance to stop its children.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const usage = `usage: controlplane etcd|kube-apiserver|kube-controller-manager [flags]
       controlplane version`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if os.Getenv(parentPipe) == "1" {
		go exitWithParent(os.Stdin)
	}
	// Each program parses os.Args itself and expects its own name first.
	name := os.Args[1]
	os.Args = append([]string{name}, os.Args[2:]...)
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		if err := runManager(os.Args[1:]); err != nil && !errors.Is(err, pflag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "kube-controller-manager:", err)
			os.Exit(1)
		}
	case "version":
		printVersions(os.Stdout)
	default:
		fmt.Fprintf(os.Stderr, "controlplane: unknown sub-command %q\n%s\n", name, usage)
		os.Exit(2)
	}
}
