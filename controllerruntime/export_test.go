package controllerruntime

// Queue is what a source adds to.
type Queue = queue

// Known returns how many names there are.
func Known(a *Adapter) int {
	a.requests.mu.Lock()
	defer a.requests.mu.Unlock()
	return len(a.requests.heads)
}
