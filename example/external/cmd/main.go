// Command cmd is the operator external, see --help.
package main

import (
	"github.com/kuberator/kuberator/example/external"
	"github.com/kuberator/kuberator/operator"
)

func main() { operator.Main(external.Program()) }
