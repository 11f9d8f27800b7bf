package workload

import (
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// part returns a process whose server has only the first n Widgets. What it reports stays in it.
func (p *Process) part(n int) *Process {
	part := &Process{Task: p.Task, Config: rest.CopyConfig(p.Config)}
	part.Size.Objects, part.Server = n, server.First(p.Server, n)
	part.Config.Host = part.Server
	return part
}

// value returns what was reported.
func (p *Process) value(metric string) float64 {
	for _, v := range p.values {
		if v.Metric == metric {
			return v.Value
		}
	}
	return 0
}
