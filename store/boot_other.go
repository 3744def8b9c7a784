//go:build !linux

package store

import "time"

// bootTime is when the machine was started; zero when that isn't known.
func bootTime() time.Time { return time.Time{} }
