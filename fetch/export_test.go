package fetch

// Waiting is how many callers wait for a download.
func Waiting(f *Fetcher, r Request) int {
	return waiting(f, order{Request: r})
}

// WaitingTool is the same for a tool.
func WaitingTool(f *Fetcher, r ToolRequest) int { return waiting(f, r.order()) }

func waiting(f *Fetcher, o order) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.inFlight[o.key()]; fl != nil {
		return fl.waiting
	}
	return 0
}
