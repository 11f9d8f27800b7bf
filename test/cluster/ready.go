package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// readyTimeout bounds the start of one process. It takes about three seconds;
	// two minutes leave room for a machine that is busy with other tests.
	readyTimeout = 2 * time.Minute
	// probeInterval is short against the time a start takes, and a probe is cheap.
	probeInterval = 50 * time.Millisecond
	// probeTimeout ends a probe that a hanging process does not answer.
	probeTimeout = 5 * time.Second
)

// awaitReady returns when the process is ready, has died, or takes too long.
func (p *Process) awaitReady(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		last := p.ready(ctx)
		select {
		case <-r.done:
			// Whoever answered, it was not this process.
			return p.death(r)
		default:
		}
		if last == nil {
			return nil
		}
		select {
		case <-r.done:
			return p.death(r)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to be ready: %w; the last probe said: %w; the end of its log:\n%s",
				p.name, ctx.Err(), last, p.Log())
		case <-ticker.C:
		}
	}
}

// prober asks servers for their health over HTTP.
type prober struct {
	client *http.Client
	token  string
}

// newProber returns a prober that trusts the given certificate authority. It keeps no connection
// open: the next probe may be of a process that was started again.
func newProber(ca *x509.CertPool, token string) *prober {
	return &prober{
		token: token,
		client: &http.Client{
			Timeout: probeTimeout,
			Transport: &http.Transport{
				DisableKeepAlives: true,
				TLSClientConfig:   &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
			},
		},
	}
}

// answers returns a readiness check that wants status 200 from each URL in turn.
func (p *prober) answers(urls ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, url := range urls {
			if _, err := p.get(ctx, url); err != nil {
				return err
			}
		}
		return nil
	}
}

// lists returns a readiness check that wants status 200 from the URL, and at least
// one check in the verbose answer. The original controller manager is healthy before
// it has any controllers, and if the API server goes away before they are made, it exits.
func (p *prober) lists(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		body, err := p.get(ctx, url+"?verbose")
		if err == nil && !strings.Contains(body, "[+]") {
			err = fmt.Errorf("%s lists no controllers yet", url)
		}
		return err
	}
}

func (p *prober) get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(url, "https:") {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	// A few hundred bytes hold the check that failed; more would bury it.
	body, err := io.ReadAll(io.LimitReader(response.Body, 500))
	if err != nil {
		return "", fmt.Errorf("reading the answer of %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s: %s", url, response.Status, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}
