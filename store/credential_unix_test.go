//go:build unix

package store_test

import "syscall"

// credential makes a process run as another user.
func credential(uid uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}
