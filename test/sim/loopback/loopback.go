package loopback

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/internal/access"
	"github.com/kuberator/kuberator/test/sim"
)

// Options configures [Serve]. A nil *Options and the zero value mean the same.
type Options struct {
	// Port is the port of 127.0.0.1 to listen on. 0 means a free one.
	Port int

	// Kubeconfig is the path of the file that Serve writes for kubectl and other programs. It
	// replaces what is there, and only the owner can read it. If it is empty, the file is in a temporary folder that Close
	// removes.
	Kubeconfig string

	// Wrap, if it is set, gets what answers requests and returns what is asked instead: to delay,
	// change or lose requests and answers, as test/fault does. See [sim.Session.Handler].
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Server is a simulated API server that listens on a port.
type Server struct {
	host        string
	token       string
	certificate []byte
	kubeconfig  string
	temporary   string // a folder; empty: none
	close       func() error
	done        chan struct{} // closed when it has ended
	err         error         // why, if Close was not called; set before done is closed
}

// Serve serves srv until Close. It returns when clients can connect. Closing srv is the
// caller's, after Close. If srv serves Services, it gets the one that is called kubernetes, as a
// real server does.
//
// # Errors
//
// A port that cannot be listened on, and a file that cannot be written.
func Serve(srv *sim.Server, opts *Options) (*Server, error) {
	if opts == nil {
		opts = &Options{}
	}
	s := &Server{token: srv.Token("admin", "system:masters"), kubeconfig: opts.Kubeconfig, done: make(chan struct{})}
	pair, err := s.identify()
	if err != nil {
		return nil, fmt.Errorf("serve the simulated API server: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), //nolint:forbidigo // it does not wait
		"tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port)))
	if err != nil {
		return nil, fmt.Errorf("serve the simulated API server: %w", err)
	}
	s.host = "https://" + listener.Addr().String()
	if err := errors.Join(announce(srv, listener), s.writeKubeconfig()); err != nil {
		return nil, errors.Join(fmt.Errorf("serve the simulated API server: %w", err), s.removeKubeconfig(), listener.Close())
	}
	handler := &counted{next: srv.Session("loopback").Handler(opts.Wrap)}
	over := &http.Server{
		Handler:           handler,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(defects{os.Stderr}, "", log.LstdFlags),
	}
	go func() {
		if err := over.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("serve the simulated API server: %w", err)
		}
		close(s.done)
	}()
	s.close = sync.OnceValue(func() error {
		err := over.Close()
		<-s.done
		handler.running.Wait()
		return errors.Join(err, s.err, s.removeKubeconfig())
	})
	return s, nil
}

// identify makes the certificate of the server.
func (s *Server) identify() (tls.Certificate, error) {
	key, err := access.NewKey()
	if err != nil {
		return tls.Certificate{}, err
	}
	if s.certificate, err = access.SelfSign(key); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(s.certificate, key)
}

func (s *Server) writeKubeconfig() (err error) {
	if s.kubeconfig == "" {
		if s.temporary, err = os.MkdirTemp("", "kuberator-sim-"); err != nil {
			return err
		}
		s.kubeconfig = filepath.Join(s.temporary, "kubeconfig")
	}
	return access.WriteKubeconfig(s.kubeconfig, s.Config(), "admin")
}

func (s *Server) removeKubeconfig() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}

// Config returns a configuration for clients that may do everything. Each call returns a copy
// of its own. It sets no limit on the rate of requests.
func (s *Server) Config() *rest.Config {
	return &rest.Config{
		Host: s.host, BearerToken: s.token, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: slices.Clone(s.certificate)},
	}
}

// Kubeconfig returns the path of a kubeconfig file with which a client may do everything.
func (s *Server) Kubeconfig() string { return s.kubeconfig }

// Done returns a channel that is closed when nothing is served any more: after Close, or because
// listening failed, which [Server.Err] then says.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why the server has ended without Close; nil if it has not.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Close ends all connections, frees the port, and removes a temporary kubeconfig. The ctx of
// requests that are being served ends; Close returns when the last of them has returned. It is
// safe to call more than once; every call returns the same.
func (s *Server) Close() error { return s.close() }

// counted counts the requests that are being served.
type counted struct {
	next    http.Handler
	running sync.WaitGroup
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.running.Add(1)
	defer c.running.Done()
	c.next.ServeHTTP(w, r)
}

// defects passes on what the HTTP server logs, except handshakes that a client broke off: the
// client reports those. What is left are panics.
type defects struct{ out io.Writer }

func (d defects) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("TLS handshake error")) {
		return len(p), nil
	}
	return d.out.Write(p)
}
