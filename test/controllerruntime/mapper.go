package controllerruntime

import (
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// mapper says in the trace of a run which kinds are not served: a manager only says, minutes later, that a
// cache does not sync.
type mapper struct {
	meta.RESTMapper

	log *zap.Logger
}

func (m mapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	mapping, err := m.RESTMapper.RESTMapping(kind, versions...)
	if meta.IsNoMatchError(err) {
		m.log.Warn("the server does not serve " + kind.String() + ": add it to Case.Kinds")
	}
	return mapping, err
}
