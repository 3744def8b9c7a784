package store

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is when the machine was started; zero when that isn't known.
func bootTime() time.Time {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(up.Nano()))
}
