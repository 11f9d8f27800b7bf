package metrics

import "embed"

// Files has dashboard.json, a dashboard for Grafana to import, and alerts.yaml, groups of alerting
// rules for Prometheus. docs/operating.md says what to do for each alert.
//
//go:embed dashboard.json alerts.yaml
var Files embed.FS
