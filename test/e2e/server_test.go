package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/cluster"
)

// trusted is what the control plane was started with, beyond what package cluster knows.
type trusted struct {
	*issuer         // of client certificates
	auditLog string // of service accounts, and of users with a certificate
}

// theServer is that of the shared control plane.
var theServer trusted

const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"], "rules": [
	{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}
]}`

// prepare returns the options for a control plane that trusts an issuer and writes an audit log.
func (s *trusted) prepare(dir string) (*cluster.Options, error) {
	var err error
	if s.issuer, err = newIssuer(); err != nil {
		return nil, err
	}
	authority, policy := filepath.Join(dir, "clients.crt"), filepath.Join(dir, "policy.json")
	s.auditLog = filepath.Join(dir, "audit.log")
	if err := os.WriteFile(authority, s.cert, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, err
	}
	return &cluster.Options{APIServerFlags: []string{
		"--client-ca-file=" + authority, "--audit-policy-file=" + policy, "--audit-log-path=" + s.auditLog, "--audit-log-maxsize=10000",
	}}, nil
}

// eventually waits for something on the server, for which a minute is long.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, time.Minute, 20*time.Millisecond, what)
}
