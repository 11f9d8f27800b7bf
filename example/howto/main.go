// Command howto has the programs of docs/howto, each in a file, and runs that of the page on some objects.
package main

import "github.com/kuberator/kuberator/operator"

func main() {
	operator.Main("example.com/shop-operator", setup, nil)
}

func setup(p *operator.Process) error {
	c, err := newSites(p.Config, p.Options())
	if err != nil {
		return err
	}
	p.Lead(c)
	return nil
}
