// Package credentials keeps a client in step with the files that its credentials are in.
//
// client-go 0.37 reads them again by the clock only: a token 50 s after it was read, a client
// certificate and the authority after 5 minutes (transport/token_source.go, cert_rotation.go,
// ca_rotation.go). What the server says meanwhile changes nothing: a request that is answered with 401
// has failed, and so do those after it, although the new token is there. client-go forgets a token
// after a 401 for token sources of WrapTransport, and not for BearerTokenFile; and a connection of
// HTTP/2 keeps the certificate that it was opened with, which has run out, for as long as a watch is open.
//
// So the files are also read when the server does not accept what they held, or its own certificate
// is not accepted. If they hold something else now, the request is sent again: one that was answered
// with 401 had no effect.
package credentials

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// readEvery is how often the files are read without a reason. A kubelet writes a new token when a fifth
// of the life of the old one is left: two minutes of the shortest.
const readEvery = time.Minute

// Follow returns a copy of cfg whose clients follow the files that cfg names: BearerTokenFile, CAFile,
// CertFile and KeyFile. Data takes precedence over a file, as in client-go, but for BearerToken, which is
// used only if the file cannot be read at first. TLS is verified as cfg says, always: of a file that is
// empty, or holds something else, what it held before is used.
//
// A cfg with an ExecProvider, an AuthProvider or a password is left to client-go.
//
// # Errors
//
// One that names the file if it cannot be read, or is empty. What is in it is in no error.
func Follow(cfg *rest.Config) (*rest.Config, error) {
	f := filesOf(cfg)
	if f == (files{}) {
		return rest.CopyConfig(cfg), nil
	}
	now, err := f.read(cfg.BearerToken)
	if err != nil {
		return nil, err
	}
	bare := rest.AnonymousClientConfig(cfg)
	bare.CertData, bare.KeyData, bare.UserAgent = cfg.CertData, cfg.KeyData, ""
	out := rest.CopyConfig(cfg)
	f.fill(&out.TLSClientConfig, now)
	if f.token != "" {
		out.BearerToken, out.BearerTokenFile = "", ""
	}
	// Inside of what else wraps the transport: that sees one request, whatever is read again.
	out.WrapTransport = transport.Wrappers(func(next http.RoundTripper) http.RoundTripper {
		return &follower{files: f, bare: bare, now: &credentials{content: now, next: next}, read: time.Now()}
	}, out.WrapTransport)
	return out, nil
}

// credentials are what the files hold, and a transport that uses it.
type credentials struct {
	content
	next http.RoundTripper
}

// follower is a transport that changes with the files.
type follower struct {
	files files
	bare  *rest.Config // how to reach the server, and not who asks

	mu   sync.Mutex
	now  *credentials
	read time.Time // when the files were read, or could not be
}

// WrappedRoundTripper is how apimachinery finds the transport inside.
func (f *follower) WrappedRoundTripper() http.RoundTripper {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now.next
}

// current returns the credentials. If the files cannot be read, which is no trouble as long as the
// server accepts what they held, they are those from before.
func (f *follower) current() *credentials {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.read) >= readEvery {
		_ = f.reread()
	}
	return f.now
}

// after returns the credentials that come after those that were refused: the same if the files hold
// nothing else. Beside an error they are the same too.
func (f *follower) after(refused *credentials) (*credentials, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now != refused { // another request was refused before
		return f.now, nil
	}
	return f.now, f.reread()
}

// reread must be called with f.mu held.
func (f *follower) reread() error {
	f.read = time.Now()
	next, err := f.files.read("")
	if err != nil || next == f.now.content {
		return err
	}
	c := &credentials{content: next, next: f.now.next}
	if next.tls() != f.now.tls() {
		cfg := rest.CopyConfig(f.bare)
		f.files.fill(&cfg.TLSClientConfig, next)
		if c.next, err = rest.TransportFor(cfg); err != nil { // a key that is of another certificate
			return err
		}
	}
	f.now = c
	return nil
}
