// Command cmd is the operator configmirror, see --help.
package main

import (
	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/operator"
)

func main() {
	operator.Main(configmirror.Name, configmirror.Setup, configmirror.ProcessOptions())
}
