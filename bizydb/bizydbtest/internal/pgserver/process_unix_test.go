//go:build unix

package pgserver

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

type childProcess struct {
	*exec.Cmd
	stdin    io.Closer
	stdout   *bufio.Reader
	dsn, dir string
}

// spawn runs program, a copy of the test binary, in a process group of its own
// until its server answers.
func spawn(t *testing.T, program, mode string, acct *account, environ ...string) *childProcess {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), append(environ, childMode+"="+mode)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if acct != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(acct.uid), Gid: uint32(acct.gid)}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &childProcess{Cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout)}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	dsn, _ := p.stdout.ReadString('\n')
	dir, _ := p.stdout.ReadString('\n')
	p.dsn, p.dir = strings.TrimSpace(dsn), strings.TrimSpace(dir)
	if !strings.HasPrefix(p.dsn, "postgres://") {
		rest, _ := io.ReadAll(p.stdout)
		t.Fatalf("child: %s %s %s", p.dsn, p.dir, rest)
	}
	if !alive(t, p.dsn) {
		t.Fatal("the child's server does not answer")
	}
	return p
}

func (p *childProcess) signal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// endings are the ways for a process to end.
var endings = []struct {
	name, mode string
	end        func(*testing.T, *childProcess)
}{
	{"os.Exit", "exit", func(t *testing.T, p *childProcess) { _ = p.stdin.Close() }},
	{"SIGKILL", "wait", func(t *testing.T, p *childProcess) { p.signal(t, p.Process.Pid, syscall.SIGKILL) }},
	{"Ctrl-C", "wait", func(t *testing.T, p *childProcess) { p.signal(t, -p.Process.Pid, syscall.SIGINT) }},
	{"Ctrl-C handled", "interrupt", func(t *testing.T, p *childProcess) { p.signal(t, -p.Process.Pid, syscall.SIGINT) }},
}

func TestInstalledServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	sharedServer(t)
	for _, tt := range endings {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := spawn(t, executable(t), tt.mode, nil, EnvWay+"=installed")
			tt.end(t, p)
			checkEnd(t, tt.name, p)
			eventually(t, "the server stops", func() bool { return !alive(t, p.dsn) })
			eventually(t, "its directory is removed", func() bool {
				_, err := os.Stat(filepath.Dir(p.dir))
				return os.IsNotExist(err)
			})
		})
	}
}

func TestContainerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	eng, image := localImage(t)
	for _, tt := range endings {
		if tt.name != "SIGKILL" && tt.name != "os.Exit" && tt.name != "Ctrl-C handled" {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := spawn(t, executable(t), tt.mode, nil, EnvWay+"=container", EnvImage+"="+image)
			tt.end(t, p)
			checkEnd(t, tt.name, p)
			eventually(t, "the container is removed", func() bool { return !published(t, eng, p.dsn) })
		})
	}
}

// checkEnd waits for the child and wants no error where it closed its server.
func checkEnd(t *testing.T, name string, p *childProcess) {
	t.Helper()
	said, _ := io.ReadAll(p.stdout)
	err := p.Wait()
	if (name == "Close" || name == "Ctrl-C handled") && err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

func TestInstalledAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	sharedServer(t)
	if os.Geteuid() != 0 {
		t.Skip("the other tests run as an ordinary user already")
	}
	// go test keeps its binary where only root can get at it.
	program := filepath.Join(publicDir(t), "pgserver.test")
	install(t, executable(t), program)
	nobody := &account{name: "nobody", uid: 65534, gid: 65534}
	p := spawn(t, program, "close", nobody, EnvWay+"=installed", "HOME=/nonexistent")
	var info syscall.Stat_t
	if err := syscall.Stat(p.dir, &info); err != nil {
		t.Fatal(err)
	}
	if info.Uid != uint32(nobody.uid) {
		t.Errorf("the server runs as %d, want %d", info.Uid, nobody.uid)
	}
	_ = p.stdin.Close()
	checkEnd(t, "Close", p)
	if alive(t, p.dsn) {
		t.Error("the server still answers")
	}
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
