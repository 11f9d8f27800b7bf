package operator

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
	"k8s.io/client-go/util/cert"

	"github.com/kuberator/kuberator/internal/safelog"
)

// certificates returns how /metrics is served: with the certificate of a directory, or one that is made now.
// HTTP/2 is left out: a scrape needs one request at a time, and those who may not scrape could open many.
func (p *Process) certificates() (*tls.Config, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	dir := p.settings.metricsCert
	if dir == "" {
		pair, err := selfSigned()
		if err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
		secure.Certificates = []tls.Certificate{pair}
		return secure, nil
	}
	read := &certificateFiles{chain: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key"), logger: p.Logger, told: rate.Sometimes{Interval: time.Minute}}
	if err := read.again(); err != nil {
		return nil, err
	}
	secure.GetCertificate = read.get
	return secure, nil
}

// selfSigned is a certificate for the name of this machine, or Pod.
func selfSigned() (pair tls.Certificate, err error) {
	host, err := os.Hostname()
	if err != nil {
		return pair, err
	}
	chain, key, err := cert.GenerateSelfSignedCertKey(host, nil, nil)
	if err != nil {
		return pair, err
	}
	return tls.X509KeyPair(chain, key)
}

// certificateFiles reads a certificate when one of its files has changed.
type certificateFiles struct {
	chain, key string
	logger     *zap.Logger

	mu      sync.Mutex
	told    rate.Sometimes
	changed [2]time.Time
	pair    *tls.Certificate
}

// get is asked at each handshake. While the new files do not fit together the old certificate is used.
func (c *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.again(); err != nil {
		c.told.Do(func() {
			c.logger.Warn("the certificate for metrics cannot be read again, the old one is used", safelog.Error(err))
		})
	}
	return c.pair, nil
}

// again reads the files if one has changed. A failure is tried again at the next handshake.
func (c *certificateFiles) again() error {
	var changed [2]time.Time
	for i, path := range []string{c.chain, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("read the certificate for metrics: %w", err)
		}
		changed[i] = info.ModTime()
	}
	if changed == c.changed {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.chain, c.key)
	if err != nil {
		return fmt.Errorf("read the certificate for metrics: %w", err)
	}
	c.pair, c.changed = &pair, changed
	return nil
}
