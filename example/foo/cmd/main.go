// Command cmd is the operator foo, see --help.
package main

import (
	"github.com/kuberator/kuberator/example/foo"
	"github.com/kuberator/kuberator/operator"
)

func main() { operator.Main(foo.Program()) }
