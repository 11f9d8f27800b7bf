package main

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

// remote is a bucket as the provider shows it. Cluster, Namespace, Name and Owner are tags: they say whose it is.
type remote struct {
	ID        string `json:"id,omitempty"`
	Ready     bool   `json:"ready,omitempty"`
	SizeGiB   int64  `json:"sizeGiB"`
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Owner     string `json:"owner"` // the UID of the object
	Token     string `json:"clientToken,omitempty"`
}

// client is a client of the API. For a real provider there is one already.
type client struct {
	url  string
	http *http.Client
}

// find returns the buckets with these tags; an empty owner matches all.
func (c *client) find(ctx context.Context, cluster, owner string) (found []remote, err error) {
	err = c.do(ctx, http.MethodGet, "/buckets?"+url.Values{"cluster": {cluster}, "owner": {owner}}.Encode(), nil, &found)
	return found, err
}

// create creates a bucket. With the same token, the provider creates no second one and answers with the first.
func (c *client) create(ctx context.Context, want remote) (got remote, err error) {
	err = c.do(ctx, http.MethodPost, "/buckets", want, &got)
	return got, err
}

func (c *client) resize(ctx context.Context, id string, size int64) error {
	return c.do(ctx, http.MethodPatch, "/buckets/"+url.PathEscape(id), map[string]int64{"sizeGiB": size}, nil)
}

// remove deletes a bucket, and is content if there is none.
func (c *client) remove(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/buckets/"+url.PathEscape(id), nil, nil)
}

func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	body, _ := json.Marshal(in) // it cannot fail, for what is given here
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 10<<20))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, path, err)
	case resp.StatusCode >= http.StatusBadRequest && (method != http.MethodDelete || resp.StatusCode != http.StatusNotFound):
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
