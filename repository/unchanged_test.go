package repository_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestG9WhatIsEqualIsNotSent looks at the allocations of an update of nothing too: to encode the object takes hundreds.
// Kills: no comparison of the objects as they are.
func TestG9WhatIsEqualIsNotSent(t *testing.T) {
	s, repo := setup(t)
	cm, err := repo.Ensure(t.Context(), owned(t, nil), size("small"))
	require.NoError(t, err)
	same := cm.DeepCopy()
	writes := s.writes()
	require.Less(t, testing.AllocsPerRun(20, func() {
		got, err := repo.Update(t.Context(), cm, same)
		require.NoError(t, err)
		require.Same(t, cm, got)
	}), 40.0)
	require.Equal(t, writes, s.writes())
}
