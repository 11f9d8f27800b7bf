// Command cmd is the operator rollout, see --help.
package main

import (
	"github.com/kuberator/kuberator/example/rollout"
	"github.com/kuberator/kuberator/operator"
)

func main() { operator.Main(rollout.Program()) }
