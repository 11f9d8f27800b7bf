package conform

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

// userAgent is what a server names a field manager after by default.
const userAgent = "conform"

// client sends raw requests.
type client struct {
	base     string
	http     *http.Client
	patience time.Duration
}

// answer is a whole answer of a server.
type answer struct {
	status   int
	warnings []string
	media    string
	body     []byte
}

func newClient(config *rest.Config, patience time.Duration) (*client, error) {
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading the server's address: %w", err)
	}
	over, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making an HTTP client: %w", err)
	}
	return &client{base: strings.TrimRight(base.String(), "/"), http: over, patience: patience}, nil
}

// open sends a request and returns as soon as the head of the answer is there.
func (c *client) open(ctx context.Context, step *Step, v *values) (*http.Response, error) {
	body, err := v.body(step)
	if err != nil {
		return nil, err
	}
	address, err := encode(v.expand(step.parsed.target))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, step.parsed.method(), c.base+address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "application/json")
	if media := contentTypes[step.parsed.verb]; media != "" && (len(body) > 0 || step.parsed.verb != "DELETE") {
		request.Header.Set("Content-Type", media)
	}
	for _, line := range step.headers {
		key, value, _ := strings.Cut(line, ": ")
		request.Header.Set(key, v.expand(value))
	}
	return c.http.Do(request)
}

// do sends a request and reads the whole answer.
func (c *client) do(ctx context.Context, step *Step, v *values) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, fmt.Errorf("no whole answer within %v", c.patience))
	defer cancel()
	response, err := c.open(ctx, step, v)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return read(response)
}

func read(response *http.Response) (*answer, error) {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return &answer{
		status:   response.StatusCode,
		warnings: response.Header.Values("Warning"),
		media:    response.Header.Get("Content-Type"),
		body:     body,
	}, nil
}

// encode escapes the values of a query, which a script writes as they are meant,
// except for a space, which is %20.
func encode(target string) (string, error) {
	path, query, _ := strings.Cut(target, "?")
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			continue
		}
		text, err := url.PathUnescape(value)
		if err != nil {
			return "", fmt.Errorf("reading the query of %q: %w", target, err)
		}
		pairs = append(pairs, key+"="+url.QueryEscape(text))
	}
	if len(pairs) == 0 {
		return path, nil
	}
	return path + "?" + strings.Join(pairs, "&"), nil
}
