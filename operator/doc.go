// Package operator makes a process of controllers: flags, signals, logs, leadership, metrics, probes, events
// and the page of package debug, put together as the documentation of each says. Nothing else in the library
// needs it: a program that wants something else calls the packages itself.
//
//	func main() {
//		operator.Main("shop.example.com/shop-operator", setup, nil)
//	}
//
//	func setup(p *operator.Process) error {
//		c, err := shops.New(p.Config, p.Options())
//		if err != nil {
//			return err
//		}
//		p.Lead(c)
//		return nil
//	}
//
// # Flags
//
// --help lists them. Each can be set by an environment variable, too: --log-level of shop-operator by
// SHOP_OPERATOR_LOG_LEVEL. A flag wins over the variable.
//
// # What is served
//
// Probes are served in clear text, at --health-addr: /readyz and /livez. Metrics are served at
// --metrics-addr, over TLS and only to those whom the API server lets "get" the path /metrics, unless
// --metrics-secure=false. The page, /debug/controllers, is served at both: at --metrics-addr to those who
// may "get" that path, and where there is no such check, only to requests that come from the machine or the
// Pod itself, as those of kubectl port-forward do.
//
// # What it does to the process
//
// [Main] takes SIGINT and SIGTERM, and makes the logger that of klog and of package slog. [Run] does neither.
package operator
