//go:build !unix

package store_test

import "syscall"

// credential makes a process run as another user, which is needed where there is a root only.
func credential(uint32) *syscall.SysProcAttr { return nil }
