package transport

import (
	"sync"
	"time"
)

const (
	// budgetWindow is the time over which requests and their repetitions are compared.
	budgetWindow = 30 * time.Second
	// budgetShare is the part of the requests that may be sent again, as 1/budgetShare: what Finagle
	// and gRPC take for enough to outlast trouble that passes and too little to keep up trouble that
	// comes from load.
	budgetShare = 5
	// budgetFloor may be sent again whatever the share says, so that a command that asks for one
	// package has all its attempts (maxRetries of them).
	budgetFloor = maxRetries
)

// budget bounds the retries of one client, so that a registry that is dying is not asked three times
// as much as one that is well.
type budget struct {
	mu    sync.Mutex
	tally tally // of requests and of retries
}

// request counts a first attempt.
func (b *budget) request(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tally.add(now, 0)
}

// take counts a retry, or says that there may be none.
func (b *budget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	sums := b.tally.sums(now)
	if sums[1] >= budgetFloor+sums[0]/budgetShare {
		return false
	}
	b.tally.add(now, 1)
	return true
}
