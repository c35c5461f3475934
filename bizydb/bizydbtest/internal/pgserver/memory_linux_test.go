package pgserver

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreInMemory(t *testing.T) { // not in parallel: it changes the environment
	t.Setenv("TMPDIR", publicDir(t))
	run, err := newRunner()
	if err != nil {
		t.Fatal(err)
	}
	if got := run.tempRoot(); got != os.Getenv("TMPDIR") {
		t.Errorf("with TMPDIR at %s the files are in %s", os.Getenv("TMPDIR"), got)
	}
	if dir := memoryDir(1 << 60); dir != "" {
		t.Errorf("%s has room for anything", dir)
	}
	if memoryDir(memoryRoom) == "" {
		t.Skip("there is not enough memory")
	}
	t.Setenv("TMPDIR", "")
	s := start(t, EnvWay+"=installed")
	if dir := ask[string](t, s.DSN(), "SHOW data_directory"); filepath.Dir(filepath.Dir(dir)) != memoryDir(memoryRoom) {
		t.Errorf("the files are in %s", dir)
	}
}
