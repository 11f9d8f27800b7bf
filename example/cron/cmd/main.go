// Command cmd is the operator cron, see --help.
package main

import (
	"github.com/kuberator/kuberator/example/cron"
	"github.com/kuberator/kuberator/operator"
)

func main() { operator.Main(cron.Program()) }
