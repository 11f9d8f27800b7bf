package e2e_test

import (
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
)

func (l *load) key(i int) types.NamespacedName { return types.NamespacedName{Name: mirrorName(i)} }

// written checks what the operator wrote to each mirror until now.
func (l *load) written(op *instance, writes ...string) {
	l.t.Helper()
	for i := range thousand {
		require.Equal(l.t, writes, op.wire.writesTo(mirrorName(i)), mirrorName(i))
	}
}
