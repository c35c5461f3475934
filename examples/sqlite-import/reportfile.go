package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// A reportFile is a file of JSON objects. It gets its name when it is complete.
type reportFile struct {
	name     string
	temp     *os.File
	out      *bufio.Writer
	err      error // the first
	finished bool
}

// createReportFile makes a file that will be called name. It does not take the place of anything but a report: not of a
// device, nor of the file that is to be imported.
func createReportFile(name, source string) (*reportFile, error) {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if info, err := os.Stat(name); err == nil {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file", name)
		}
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			if of, err := os.Stat(source + suffix); err == nil && os.SameFile(info, of) {
				return nil, fmt.Errorf("%s belongs to the file that is to be imported", name)
			}
		}
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	return &reportFile{name: name, temp: temp, out: bufio.NewWriter(temp)}, nil
}

func (f *reportFile) add(object any) {
	b, err := json.Marshal(object)
	if err == nil {
		_, err = f.out.Write(append(b, '\n'))
	}
	f.failed(err)
}

// failed keeps the first error: those after it follow from it.
func (f *reportFile) failed(err error) {
	if f.err == nil {
		f.err = err
	}
}

// finish gives the file its name. What could not be completed stays as it is, under the name that the error says.
func (f *reportFile) finish(report sqliteimport.Report) error {
	f.finished = true
	f.add(report)
	f.failed(f.out.Flush())
	f.failed(f.temp.Close())
	if f.err == nil {
		f.failed(os.Rename(f.temp.Name(), f.name))
	}
	if f.err != nil {
		return fmt.Errorf("what there is of it is in %s: %w", f.temp.Name(), f.err)
	}
	return nil
}

// drop removes the file, unless it has been finished.
func (f *reportFile) drop() {
	if f.finished {
		return
	}
	_ = f.temp.Close()
	_ = os.Remove(f.temp.Name())
}
