//go:build !unix

package pgserver

import "os/exec"

// unprivileged is nil: pg_ctl itself gives up an administrator's rights.
func unprivileged() (*account, error) { return nil, nil }

func detach(*exec.Cmd, *account) {}
