package finalizer

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// None stands for "no finalizer", where there is nothing to clean up. It is not a valid finalizer
// name, so that it cannot be one by accident. See controller.NoFinalizer.
const None = "-"

// Validate returns an error unless name is a valid name for a finalizer: a domain, a slash and a
// name, such as "example.com/cleanup". Newer API servers refuse an unqualified name, and it could
// be that of another controller. Domains below kubernetes.io and k8s.io are reserved for
// Kubernetes. [None] is not valid.
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
