package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// DNS is the API of the DNS provider. A record is a line of text, as in a zone file.
type DNS interface {
	// Create creates a record, and returns the id that the provider has chosen for it.
	Create(ctx context.Context, record string) (id string, err error)
	// Put creates the record of this id, or replaces it.
	Put(ctx context.Context, id, record string) error
	// Delete deletes the record of this id. If there is none, that is no error.
	Delete(ctx context.Context, id string) error
}

// provider is the DNS provider at a URL.
type provider string

func (p provider) Create(ctx context.Context, record string) (id string, err error) {
	return p.send(ctx, http.MethodPost, "", record)
}

func (p provider) Put(ctx context.Context, id, record string) error {
	_, err := p.send(ctx, http.MethodPut, "/"+url.PathEscape(id), record)
	return err
}

func (p provider) Delete(ctx context.Context, id string) error {
	_, err := p.send(ctx, http.MethodDelete, "/"+url.PathEscape(id), "")
	return err
}

// send sends a request and returns the body of the answer.
func (p provider) send(ctx context.Context, method, path, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, string(p)+"/records"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the DNS provider answers %s to %s", resp.Status, method)
	}
	return string(answer), err
}
