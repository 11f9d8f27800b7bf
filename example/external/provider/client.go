// Package provider is a client of a provider with an HTTP API. For a real one there is one already.
package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kuberator/kuberator/kerr"
)

// Bucket is a bucket as the provider shows it. Cluster, Namespace, Name and Owner are tags: they say whose it is.
type Bucket struct {
	ID        string `json:"id,omitempty"`
	Ready     bool   `json:"ready,omitempty"`
	SizeGiB   int64  `json:"sizeGiB"`
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Owner     string `json:"owner"` // the UID of the object
}

// Client is a client of the API.
type Client struct {
	URL  string
	HTTP *http.Client
}

// Find returns the buckets with these tags; an empty owner matches all.
func (c *Client) Find(ctx context.Context, cluster, owner string) (found []Bucket, err error) {
	query := url.Values{"cluster": {cluster}}
	if owner != "" {
		query.Set("owner", owner)
	}
	err = c.do(ctx, http.MethodGet, "/buckets?"+query.Encode(), "", nil, &found)
	return found, err
}

// Create creates a bucket. With the same key, the provider creates no second one and answers with the first.
func (c *Client) Create(ctx context.Context, key string, want Bucket) (got Bucket, err error) {
	err = c.do(ctx, http.MethodPost, "/buckets", key, want, &got)
	return got, err
}

// Resize changes the size of a bucket.
func (c *Client) Resize(ctx context.Context, id string, size int64) error {
	return c.do(ctx, http.MethodPatch, "/buckets/"+url.PathEscape(id), "", map[string]int64{"sizeGiB": size}, nil)
}

// Remove deletes a bucket, and is content if there is none.
func (c *Client) Remove(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/buckets/"+url.PathEscape(id), "", nil, nil)
}

func (c *Client) do(ctx context.Context, method, path, key string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 10<<20))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, path, err)
	case method == http.MethodDelete && resp.StatusCode == http.StatusNotFound:
		return nil
	case resp.StatusCode >= http.StatusBadRequest:
		return refused(resp, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, kerr.Text(string(text), kerr.MaxLog)))
	case out == nil:
		return nil
	}
	return json.Unmarshal(text, out)
}

// refused says when to try again: when the provider says so, and never what it calls wrong.
func refused(resp *http.Response, err error) error {
	if seconds, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && seconds > 0 {
		return kerr.After(time.Duration(seconds)*time.Second, err)
	}
	if resp.StatusCode == http.StatusUnprocessableEntity {
		return kerr.Invalid(err)
	}
	return err
}
