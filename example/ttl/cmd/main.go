// Command cmd is the operator ttl, see --help.
package main

import (
	"github.com/kuberator/kuberator/example/ttl"
	"github.com/kuberator/kuberator/operator"
)

func main() { operator.Main(ttl.Program()) }
