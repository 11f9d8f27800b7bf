package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// issuer signs client certificates.
type issuer struct {
	key    *ecdsa.PrivateKey
	parsed *x509.Certificate
	cert   []byte // PEM
}

func newIssuer() (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	i := &issuer{key: key}
	i.parsed = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clients"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	i.cert, err = i.sign(i.parsed, &key.PublicKey)
	return i, err
}

func (i *issuer) sign(template *x509.Certificate, of *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, i.parsed, of, i.key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

// certificate returns a certificate of a user, who is a member of the group of service accounts, and its key.
func (w *world) certificate(user string, expires time.Time) (cert, key []byte) {
	w.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	cert, err = theServer.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: user, Organization: []string{"system:serviceaccounts"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: expires,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, &private.PublicKey)
	require.NoError(w.t, err)
	der, err := x509.MarshalECPrivateKey(private)
	require.NoError(w.t, err)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// leeway is how long the server accepts a token after its end. It also remembers for 10 s that it accepted one.
const leeway = time.Minute

// token returns a token of a service account, signed with the key of the control plane, that the server accepts
// until the given time, and for 10 s more if it saw it just before. A TokenRequest gives none for less than
// ten minutes.
func (w *world) token(account *corev1.ServiceAccount, until time.Time) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(shared.Dir(), "service-account.key"))
	require.NoError(w.t, err)
	block, _ := pem.Decode(text)
	key, err := x509.ParseECPrivateKey(block.Bytes)
	require.NoError(w.t, err)
	part := func(v map[string]any) string {
		text, err := json.Marshal(v)
		require.NoError(w.t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	const server = "https://kubernetes.default.svc"
	signed := part(map[string]any{"alg": "ES256", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": server, "aud": []string{server}, "sub": "system:serviceaccount:" + account.Namespace + ":" + account.Name,
		"iat": time.Now().Add(-time.Hour).Unix(), "nbf": time.Now().Add(-time.Hour).Unix(), "exp": until.Add(-leeway).Unix(),
		"jti": time.Now().String(), // or two of a second are the same
		"kubernetes.io": map[string]any{
			"namespace":      account.Namespace,
			"serviceaccount": map[string]any{"name": account.Name, "uid": string(account.UID)},
		},
	})
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	require.NoError(w.t, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
