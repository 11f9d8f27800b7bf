package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step5/api/v1"
)

// home returns the Website of the tests.
func home() *webv1.Website {
	site := &webv1.Website{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "home"}}
	site.Spec = webv1.WebsiteSpec{Host: "home.example.com", Pages: map[string]string{"index.html": "hello"}, Replicas: 1}
	return site
}

// fakeDNS is a DNS provider in memory. It can be used by several goroutines.
type fakeDNS struct {
	mu      sync.Mutex
	created int
	records map[string]string // by their id
}

func (d *fakeDNS) Create(ctx context.Context, record string) (id string, err error) {
	d.mu.Lock()
	d.created++
	id = fmt.Sprint(d.created)
	d.mu.Unlock()
	return id, d.Put(ctx, id, record)
}

func (d *fakeDNS) Put(_ context.Context, id, record string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.records == nil {
		d.records = map[string]string{}
	}
	d.records[id] = record
	return nil
}

func (d *fakeDNS) Delete(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.records, id)
	return nil
}

// Records returns the records, without their ids.
func (d *fakeDNS) Records() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Values(d.records))
}
