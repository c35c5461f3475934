//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// unprivileged finds the account to run the server in: nil if the process is
// not root, else postgres or, where there is no such account, nobody.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil || uid == 0 {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("group of account %s: %w", name, err)
		}
		return &account{name: name, uid: int(uid), gid: int(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither an account postgres nor nobody to run it")
}

// detach gives the program a session of its own and, if acct is not nil, that
// account's rights.
func detach(cmd *exec.Cmd, acct *account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if acct != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(acct.uid), Gid: uint32(acct.gid)}
	}
}
