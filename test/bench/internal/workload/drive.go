package workload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"k8s.io/client-go/rest"
)

// Step is what the process of a contender asks for, of what [API.Drive] can do.
type Step struct {
	// What is to be done with the objects From to To.
	What     string `json:"what"`
	From, To int
	// Round tells one change from the next.
	Round int
}

// Drive has the API server's driver do a step, in the process that started this one: its time is not in that of the
// contender, and its requests are not counted. Drive returns when the driver has done it.
func (p *Process) Drive(ctx context.Context, step Step) error {
	told, err := json.Marshal(step)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Driver, bytes.NewReader(told))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("drive %s: %w", step.What, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("drive %s: %s", step.What, why)
	}
	return nil
}

// driven gives a site its driver, if the API has one.
func (a *API) driven(cfg *rest.Config, site *Site) *Site {
	if a.Drive == nil {
		return site
	}
	driver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var step Step
		err := json.NewDecoder(r.Body).Decode(&step)
		if err == nil {
			err = a.Drive(r.Context(), cfg, step)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	end := site.Close
	site.Driver, site.Close = driver.URL, func() error {
		driver.Close()
		return end()
	}
	return site
}

// errStep is for a step that is not known.
var errStep = errors.New("there is no such step")
