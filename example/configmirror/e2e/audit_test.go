package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/example/configmirror"
)

// auditLog is the audit log of the API server: what arrived there, whatever clients believe.
type auditLog string

// audited returns the flags for an API server that writes one.
func audited(dir string) ([]string, auditLog, error) {
	policy, log := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	rules := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"
	return []string{"--audit-log-path=" + log, "--audit-policy-file=" + policy, "--audit-log-mode=blocking"}, auditLog(log),
		os.WriteFile(policy, []byte(rules), 0o600)
}

// audit is one request of the operator's service account.
type audit struct {
	Verb           string
	RequestURI     string
	UserAgent      string
	StageTimestamp time.Time
	User           struct{ Username string }
	ObjectRef      struct{ APIGroup, Resource, Subresource, Namespace, Name string }
	ResponseStatus struct{ Code int }
}

// right is what RBAC calls the request.
func (a audit) right() string {
	resource := a.ObjectRef.Resource
	if a.ObjectRef.Subresource != "" {
		resource += "/" + a.ObjectRef.Subresource
	}
	return a.Verb + " " + resource + "." + a.ObjectRef.APIGroup
}

// operator returns what was asked by the service account of the operator since then.
func (l auditLog) operator(t *testing.T, since time.Time) (all []audit) {
	t.Helper()
	content, err := os.ReadFile(string(l))
	require.NoError(t, err)
	for line := range bytes.Lines(content) {
		var a audit
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		require.NoError(t, json.Unmarshal(line, &a))
		if a.User.Username == "system:serviceaccount:"+configmirror.Namespace+":"+configmirror.ServiceAccount && a.StageTimestamp.After(since) && a.ObjectRef.Resource != "" {
			all = append(all, a)
		}
	}
	return all
}

// allowed are the rights of the roles of the operator.
func allowed(t *testing.T) sets.Set[string] {
	t.Helper()
	rights := sets.New[string]()
	add := func(rules []rbacv1.PolicyRule) {
		for _, rule := range rules {
			require.NotContains(t, rule.Verbs, rbacv1.VerbAll)
			require.NotContains(t, rule.Resources, rbacv1.ResourceAll)
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						rights.Insert(verb + " " + resource + "." + group)
					}
				}
			}
		}
	}
	for _, name := range []string{"configmirror", "configmirror-metrics-auth"} {
		role, err := env.client.RbacV1().ClusterRoles().Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		add(role.Rules)
	}
	role, err := env.client.RbacV1().Roles(configmirror.Namespace).Get(t.Context(), "configmirror-leader-election", metav1.GetOptions{})
	require.NoError(t, err)
	add(role.Rules)
	return rights
}
