package credentials

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/rest"
)

// files are the names of those that are followed. An empty one is none.
type files struct{ token, ca, cert, key string }

// content is what the files hold.
type content struct{ token, ca, cert, key string }

// tls returns what a connection depends on.
func (c content) tls() content {
	c.token = ""
	return c
}

// filesOf returns those that cfg reads.
func filesOf(cfg *rest.Config) (f files) {
	if cfg.ExecProvider != nil || cfg.AuthProvider != nil || cfg.Username != "" || cfg.Password != "" {
		return f
	}
	f.token = cfg.BearerTokenFile
	if len(cfg.CAData) == 0 {
		f.ca = cfg.CAFile
	}
	if len(cfg.CertData) == 0 {
		f.cert = cfg.CertFile
	}
	if len(cfg.KeyData) == 0 {
		f.key = cfg.KeyFile
	}
	return f
}

// read reads them. If there is another token, it takes the place of one that cannot be read.
func (f files) read(other string) (content, error) {
	token, err := readFile("token", f.token)
	if err != nil && other != "" {
		err = nil
		token = other
	}
	ca, caErr := readFile("certificate authority", f.ca)
	cert, certErr := readFile("client certificate", f.cert)
	key, keyErr := readFile("client key", f.key)
	return content{token, ca, cert, key}, cmp.Or(err, caErr, certErr, keyErr)
}

func readFile(what, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" { // which would be no credentials, and for the authority any that the system has
		return "", fmt.Errorf("read the %s: %s is empty", what, name)
	}
	return text, nil
}

// fill puts the content into the place of the names.
func (f files) fill(cfg *rest.TLSClientConfig, c content) {
	if f.ca != "" {
		cfg.CAFile, cfg.CAData = "", []byte(c.ca)
	}
	if f.cert != "" {
		cfg.CertFile, cfg.CertData = "", []byte(c.cert)
	}
	if f.key != "" {
		cfg.KeyFile, cfg.KeyData = "", []byte(c.key)
	}
}
