package cluster

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/kuberator/kuberator/test/internal/access"
)

// credentials are the keys of a control plane. They live in its data directory,
// so that one which is started again still knows the tokens it gave out.
type credentials struct {
	certificateFile, keyFile string // of the servers
	certificate              []byte // PEM; it vouches for itself, so it is also the authority
	serviceAccountKeyFile    string
	tokenFile, token         string // of the admin
}

// loadCredentials reads the credentials from the directory and makes what is
// missing.
func loadCredentials(d *directory) (*credentials, error) {
	c := &credentials{
		certificateFile:       d.join("serving.crt"),
		keyFile:               d.join("serving.key"),
		serviceAccountKeyFile: d.join("service-account.key"),
		tokenFile:             d.join("tokens.csv"),
	}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("keys of the control plane: %w", err)
	}
	return c, nil
}

func (c *credentials) load() error {
	key, err := ensureFile(c.keyFile, access.NewKey)
	if err != nil {
		return err
	}
	if c.certificate, err = ensureFile(c.certificateFile, func() ([]byte, error) { return access.SelfSign(key) }); err != nil {
		return err
	}
	if _, err := ensureFile(c.serviceAccountKeyFile, access.NewKey); err != nil {
		return err
	}
	tokens, err := ensureFile(c.tokenFile, func() ([]byte, error) {
		return []byte(rand.Text() + `,admin,admin,"system:masters"` + "\n"), nil
	})
	if err != nil {
		return err
	}
	c.token, _, _ = strings.Cut(string(tokens), ",")
	return nil
}

// authority returns a pool with the one certificate to trust.
func (c *credentials) authority() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(c.certificate) {
		return nil, fmt.Errorf("%s holds no certificate", c.certificateFile)
	}
	return pool, nil
}

// ensureFile returns the content of the file, which it makes if it is missing.
// Only the owner can read it.
func ensureFile(path string, generate func() ([]byte, error)) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	if content, err = generate(); err != nil {
		return nil, fmt.Errorf("making %s: %w", path, err)
	}
	return content, os.WriteFile(path, content, 0o600)
}
