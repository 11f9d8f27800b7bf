package credentials_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/internal/credentials"
)

// pair is a certificate that vouches for itself, and its key, as PEM.
type pair struct{ cert, key string }

func newPair(t *testing.T, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	return pair{
		cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})),
	}
}

func (p pair) tls(t *testing.T) tls.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair([]byte(p.cert), []byte(p.key))
	require.NoError(t, err)
	return cert
}

// secured is a server with TLS that accepts clients by the name in their certificate, with HTTP/2.
type secured struct {
	*httptest.Server
	accepts atomic.Pointer[string]
	serves  atomic.Pointer[tls.Certificate]
	dir     string
	cfg     *rest.Config
}

// newSecured returns a server, and a cfg for it with files of the names ca, crt and key.
func newSecured(t *testing.T) (s *secured, authority pair) {
	t.Helper()
	s, authority = &secured{dir: t.TempDir()}, newPair(t, "server")
	s.accept("first")
	s.serve(t, authority)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := r.TLS.PeerCertificates
		if len(who) == 0 || who[0].Subject.CommonName != *s.accepts.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path != "/watch" {
			return
		}
		for n := range 3 {
			_, _ = io.WriteString(w, "event\n")
			w.(http.Flusher).Flush()
			if n == 0 {
				_, _ = http.MaxBytesReader(w, r.Body, 1).Read(make([]byte, 1)) // until the client says so
			}
		}
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{
			ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{*s.serves.Load()}, NextProtos: []string{"h2"},
		}, nil
	}}
	s.StartTLS()
	t.Cleanup(s.Close)
	client := newPair(t, "first")
	write(t, s.file("ca"), authority.cert)
	write(t, s.file("crt"), client.cert)
	write(t, s.file("key"), client.key)
	s.cfg = &rest.Config{Host: s.URL, TLSClientConfig: rest.TLSClientConfig{CAFile: s.file("ca"), CertFile: s.file("crt"), KeyFile: s.file("key")}}
	return s, authority
}

func (s *secured) file(name string) string { return filepath.Join(s.dir, name) }
func (s *secured) accept(name string)      { s.accepts.Store(&name) }
func (s *secured) serve(t *testing.T, p pair) {
	t.Helper()
	cert := p.tls(t)
	s.serves.Store(&cert)
}

func (s *secured) get(t *testing.T, client *http.Client) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
	require.NoError(t, err)
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode, nil
}

// TestS9ANewClientCertificateIsUsedWhenTheOldOneIsRefused also while a watch keeps the connection open, over
// which the server sees the old one.
func TestS9ANewClientCertificateIsUsedWhenTheOldOneIsRefused(t *testing.T) {
	s, _ := newSecured(t)
	client := clientOf(t, s.cfg)
	more, goOn := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/watch", more)
	require.NoError(t, err)
	watch, err := client.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, watch.Body.Close()) }()
	require.Equal(t, 2, watch.ProtoMajor)
	events := bufio.NewScanner(watch.Body)
	require.True(t, events.Scan())

	s.accept("second")
	code, err := s.get(t, client)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, code)
	second := newPair(t, "second")
	write(t, s.file("crt"), second.cert) // and not yet its key
	_, err = s.get(t, client)
	require.ErrorContains(t, err, "private key does not match")
	require.NotContains(t, err.Error(), second.cert[40:60])
	write(t, s.file("key"), second.key)
	code, err = s.get(t, client)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code)

	_, err = goOn.Write([]byte("."))
	require.NoError(t, err)
	require.True(t, events.Scan(), "the watch goes on")
}

// TestS9ANewAuthorityIsUsedWhenTheServerHasANewCertificate, and nothing else makes it trusted.
func TestS9ANewAuthorityIsUsedWhenTheServerHasANewCertificate(t *testing.T) {
	s, authority := newSecured(t)
	client := clientOf(t, s.cfg)
	code, err := s.get(t, client)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code)

	next := newPair(t, "server, renewed")
	s.serve(t, next)
	s.CloseClientConnections()
	for lost := true; lost; lost = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		_, err = s.get(t, client) // over the old connection, perhaps
	}
	for _, wrong := range []string{authority.cert, newPair(t, "stranger").cert, "", "\n", "no certificate", next.key} {
		require.NoError(t, os.WriteFile(s.file("ca"), []byte(wrong), 0o600))
		_, err = s.get(t, client)
		_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
		require.True(t, unverified, "%q: %v", wrong, err)
		require.NotContains(t, err.Error(), "BEGIN")
	}
	write(t, s.file("ca"), next.cert)
	code, err = s.get(t, client)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code)
}

// TestS9NoFileWithoutVerification: what cannot be read, or is nothing, is an error from the start.
func TestS9NoFileWithoutVerification(t *testing.T) {
	for _, file := range []string{"ca", "crt", "key"} {
		s, _ := newSecured(t)
		require.NoError(t, os.WriteFile(s.file(file), nil, 0o600))
		_, err := credentials.Follow(s.cfg)
		require.ErrorContains(t, err, s.file(file)+" is empty")
	}
}
