package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/cluster"
)

// deployment keeps two replicas of the operator running, as a Deployment does.
type deployment struct {
	dir, kubeconfig string
	n               *narrator
	replicas        [2]*replica
	started         int
}

// deploy starts the replicas as the user of account.
func deploy(account *rest.Config, n *narrator) (*deployment, error) {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return nil, err
	}
	d := &deployment{dir: dir, kubeconfig: filepath.Join(dir, "kubeconfig"), n: n}
	err = cluster.WriteKubeconfig(d.kubeconfig, account, "operator")
	for i := range d.replicas {
		if err == nil {
			err = d.start(i)
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.end())
	}
	return d, nil
}

// start starts a replica with a name of its own, as Pods have.
func (d *deployment) start(i int) (err error) {
	d.replicas[i], err = launch(string(rune('a'+d.started)), d.kubeconfig, d.n)
	d.started++
	return err
}

// leader returns the replica that leads, or an error.
func (d *deployment) leader() (int, error) {
	for i, r := range d.replicas {
		if leading, _ := r.leads(); leading {
			return i, nil
		}
	}
	return 0, errors.New("no replica leads")
}

// replace ends the replica that leads, in order or not, and starts another one in its place.
func (d *deployment) replace(inOrder bool) error {
	i, err := d.leader()
	if err != nil {
		return err
	}
	r := d.replicas[i]
	how := "has ended"
	if !inOrder {
		r.kill()
		how = "is killed"
	} else if err := r.end(); err != nil {
		return err
	}
	d.n.say(operator, "replica %s %s", r.name, how)
	return d.start(i)
}

// pages are the addresses of the pages of all replicas.
func (d *deployment) pages() string {
	var text strings.Builder
	for _, r := range d.replicas {
		leading, page := r.leads()
		fmt.Fprintf(&text, "  replica %s   %s", r.name, page)
		if leading {
			text.WriteString("   leads")
		}
		text.WriteString("\n")
	}
	return text.String()
}

// end ends all replicas.
func (d *deployment) end() error {
	var errs []error
	for _, r := range d.replicas {
		if r != nil {
			errs = append(errs, r.end())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}
