package finalizer

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// None takes the place of the name of a finalizer where there is nothing to clean up. It is no
// valid name, so that it cannot be one by accident.
const None = "-"

// Validate returns an error if name cannot be a finalizer's: a domain, a slash and a name,
// such as "example.com/cleanup". An unqualified name would be refused by newer API
// servers, or collide with another controller's; names below kubernetes.io and
// k8s.io are reserved for Kubernetes.
func Validate(name string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("finalizer name %q: %w", name, fmt.Errorf(format, args...))
	}
	if name == "" {
		return errors.New(`finalizer name "": it is empty; use a name such as "example.com/cleanup", or controller.NoFinalizer if there is nothing to clean up`)
	}
	domain, _, qualified := strings.Cut(name, "/")
	if !qualified {
		return fail(`it needs a domain in front, such as "example.com/%s"`, name)
	}
	if problems := validation.IsQualifiedName(name); len(problems) > 0 {
		return fail("%s", strings.Join(problems, "; "))
	}
	if !strings.Contains(domain, ".") {
		return fail("%q is not a domain that somebody can own, such as example.com", domain)
	}
	for _, reserved := range []string{"kubernetes.io", "k8s.io"} {
		if domain == reserved || strings.HasSuffix(domain, "."+reserved) {
			return fail("%s is reserved for Kubernetes", reserved)
		}
	}
	return nil
}
