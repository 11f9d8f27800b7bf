package explore

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// delay lets what a watch shows come late.
func (w *wire) delay(response *http.Response, asked apirequest.Info) {
	if w.world.limits.slow < slowWatches || asked.Verb != "watch" {
		return
	}
	kinds := w.world.compared()
	if w.world.limits.slow == slowWatchesToo {
		slices.Reverse(kinds)
	}
	by := watchTakes * time.Duration(1+max(0, slices.Index(kinds, asked.Resource.GroupResource()))%5)
	response.Body = newLateBody(response.Body, by)
}

// lateBody shows later what is in it. It reads ahead, so that each part is as late as the others.
type lateBody struct {
	io.ReadCloser
	by     time.Duration
	parts  chan part
	rest   part
	once   sync.Once
	closed chan struct{}
}

// part is what came at a time.
type part struct {
	data []byte
	err  error
	at   time.Time
}

func newLateBody(body io.ReadCloser, by time.Duration) *lateBody {
	b := &lateBody{ReadCloser: body, by: by, parts: make(chan part, 1000), closed: make(chan struct{})}
	go func() {
		for {
			data := make([]byte, 16<<10)
			n, err := body.Read(data)
			select {
			case b.parts <- part{data[:n], err, time.Now()}:
			case <-b.closed:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return b
}

func (b *lateBody) Read(p []byte) (int, error) {
	for len(b.rest.data) == 0 {
		if b.rest.err != nil {
			return 0, b.rest.err
		}
		select {
		case b.rest = <-b.parts:
		case <-b.closed:
			return 0, io.ErrClosedPipe
		}
		select {
		case <-time.After(time.Until(b.rest.at.Add(b.by))):
		case <-b.closed:
		}
	}
	n := copy(p, b.rest.data)
	b.rest.data = b.rest.data[n:]
	return n, nil
}

func (b *lateBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.ReadCloser.Close()
}
