//go:build unix

package pgserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// childMode, in the environment, makes the test binary start a server and end
// in the way that its value says.
const childMode = "PGSERVER_TEST_CHILD"

// child starts a server by the real environment, prints its DSN and its data
// directory, and waits for a line to end.
func child(mode string) {
	interrupt := make(chan os.Signal, 1)
	if mode == "interrupt" {
		signal.Notify(interrupt, os.Interrupt)
	}
	ctx := context.Background()
	s, err := Start(ctx, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	// A server that is shared by a package's tests must not look like a leak of one of them.
	if err := goleak.Find(goleak.IgnoreAnyFunction("os/signal.loop")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var dir string
	_ = conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir)
	fmt.Printf("%s\n%s\n", s.DSN(), dir)

	if mode == "interrupt" {
		<-interrupt
		// The server must not have got the signal too.
		if err := conn.Ping(ctx); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_ = conn.Close(ctx)
		if err := s.Close(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	switch mode {
	case "exit":
		os.Exit(0)
	case "panic":
		panic("as asked")
	case "close":
		_ = conn.Close(ctx)
		if err := s.Close(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

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
	{"panic", "panic", func(t *testing.T, p *childProcess) { _ = p.stdin.Close() }},
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
			p := spawn(t, os.Args[0], tt.mode, nil, EnvWay+"=installed")
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
			p := spawn(t, os.Args[0], tt.mode, nil, EnvWay+"=container", EnvImage+"="+image)
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
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
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
