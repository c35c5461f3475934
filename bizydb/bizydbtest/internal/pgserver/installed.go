package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// installedGlobs are the places where packages put the server's binaries, one
// directory per version.
var installedGlobs = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // PGDG on Fedora, RHEL
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on arm64
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew on amd64
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	`C:\Program Files\PostgreSQL\*\bin`,
}

// startInstalled runs a server from the first usable set of installed binaries.
func startInstalled(ctx context.Context, opts Options) (*Server, error) {
	run, err := newRunner()
	if err != nil {
		return nil, err
	}
	dirs := installedDirs(ctx)
	if dir := opts.Getenv(EnvBinDir); dir != "" {
		dirs = []string{dir}
	}
	if len(dirs) == 0 {
		return nil, errors.New("no server binaries found (looked at pg_config, initdb in PATH and the usual directories)")
	}
	var errs []error
	for _, dir := range dirs {
		version, err := binariesVersion(ctx, run, dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", dir, err))
			continue
		}
		s, err := startCluster(ctx, opts, run, dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", dir, err))
			continue
		}
		s.how = fmt.Sprintf("installed binaries %s (PostgreSQL %s)", dir, version)
		for _, err := range errs {
			s.how += "; passed over " + oneLine(err)
		}
		return s, nil
	}
	return nil, errors.Join(errs...)
}

// installedDirs lists the directories that may hold server binaries, the most
// deliberate choice first, each once.
func installedDirs(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		// The other binaries lie beside the real file, not beside a link to it.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	var found []string
	for _, glob := range installedGlobs {
		matches, _ := filepath.Glob(glob)
		found = append(found, matches...)
	}
	slices.SortStableFunc(found, func(a, b string) int { return dirVersion(b) - dirVersion(a) })

	var unique []string
	for _, dir := range append(dirs, found...) {
		if _, err := exec.LookPath(binary(dir, "initdb")); err == nil && !slices.Contains(unique, dir) {
			unique = append(unique, dir)
		}
	}
	return unique
}

var lastNumber = regexp.MustCompile(`(\d+)[^/\\\d]*[/\\]bin$`)

// dirVersion reads the version out of a directory's name; 0 if it has none.
func dirVersion(dir string) int {
	m := lastNumber.FindStringSubmatch(dir)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// binary is the path of one of the server's programs.
func binary(dir, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name)
}

var versionOutput = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// binariesVersion asks the binaries in dir for their version. It fails if one
// of the programs that are needed is not there or the version is too old.
func binariesVersion(ctx context.Context, run runner, dir string) (string, error) {
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := exec.LookPath(binary(dir, name)); err != nil {
			return "", fmt.Errorf("no usable %s there", name)
		}
	}
	out, err := run.output(ctx, "", binary(dir, "postgres"), "--version")
	if err != nil {
		return "", err
	}
	m := versionOutput.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("postgres --version said %q", strings.TrimSpace(out))
	}
	if major, _ := strconv.Atoi(m[2]); major < minVersion {
		return "", fmt.Errorf("PostgreSQL %s, %d or later is needed", m[1], minVersion)
	}
	return m[1], nil
}
