package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runner runs the server's programs: apart from the terminal, so that Ctrl-C
// reaches only the process that can shut down in order, and, since PostgreSQL
// refuses to run as root, in an unprivileged account when the process is root.
type runner struct {
	account *account // nil: our own
}

// account is an operating system account to run as.
type account struct {
	name     string
	uid, gid int
}

func newRunner() (runner, error) {
	acct, err := unprivileged()
	if err != nil {
		return runner{}, err
	}
	return runner{acct}, nil
}

// command prepares a program. Its working directory is dir, or the root
// directory: ours may be closed to the account.
func (r runner) command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	if cmd.Dir = dir; dir == "" {
		cmd.Dir = filepath.VolumeName(name) + string(filepath.Separator)
	}
	cmd.Env = environment()
	// A server that outlives the program must not keep Wait from returning.
	cmd.WaitDelay = 5 * time.Second
	detach(cmd, r.account)
	return cmd
}

// output runs a program and returns what it printed, which is part of the
// error if it fails.
func (r runner) output(ctx context.Context, dir, name string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := r.command(ctx, dir, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(out.String())
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) || text != "" {
			return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, text)
		}
		return "", err // names the program already
	}
	return out.String(), nil
}

// give hands a file or directory of ours to the account.
func (r runner) give(path string) error {
	if r.account == nil {
		return nil
	}
	return os.Chown(path, r.account.uid, r.account.gid)
}

// tempRoot is where servers have their files: TMPDIR, else memory if there is
// enough of it, else the system's temporary directory, or /tmp where that one
// is closed to the account. In memory a database is made and dropped in a
// fraction of the time: each is 300 files.
func (r runner) tempRoot() string {
	if os.Getenv("TMPDIR") == "" {
		if dir := memoryDir(memoryRoom); dir != "" {
			return dir
		}
	}
	root := os.TempDir()
	if r.account == nil {
		return root
	}
	for dir := root; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o001 == 0 {
			return "/tmp"
		}
		if dir == filepath.Dir(dir) {
			return root
		}
	}
}

// environment is what the programs get of ours: nothing that changes the
// server's settings or their language, and nothing secret.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, key := range []string{
		"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR",
		"SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "TEMP", "TMP",
	} {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	return env
}
