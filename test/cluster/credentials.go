package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

// lifetime is that of the serving certificate: a data directory that is used
// again must not stop working.
const lifetime = 10 * 365 * 24 * time.Hour

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
	key, err := ensureFile(c.keyFile, newKey)
	if err != nil {
		return err
	}
	if c.certificate, err = ensureFile(c.certificateFile, func() ([]byte, error) { return selfSign(key) }); err != nil {
		return err
	}
	if _, err := ensureFile(c.serviceAccountKeyFile, newKey); err != nil {
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

func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// selfSign returns a certificate for the loopback address.
func selfSign(keyPEM []byte) ([]byte, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("the serving key is not PEM")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "kuberator test control plane"},
		// An hour ago, for clocks that are set while the control plane runs.
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost", "kubernetes.default.svc"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
