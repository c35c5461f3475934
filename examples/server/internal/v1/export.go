package v1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
)

var (
	errExporting = errors.New("the user has an export that has not ended")
	errExports   = errors.New("other users' exports are being read")
)

const (
	maxExports = 2               // read at once, each over a connection of the pool
	sendWithin = 5 * time.Minute // for a client that reads slowly
)

// exports are those that have not ended.
type exports struct {
	mu      sync.Mutex
	users   map[bizydb.UserID]bool // until the client has all of it
	reading int                    // from the database
}

// begin returns errExporting or errExports, or what to call when the export has been read from the database and when it has ended.
func (e *exports) begin(user bizydb.UserID) (read, end func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.users[user]:
		return nil, nil, errExporting
	case e.reading == maxExports:
		return nil, nil, errExports
	}
	if e.users == nil {
		e.users = map[bizydb.UserID]bool{}
	}
	e.users[user] = true
	e.reading++
	read = func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.reading--
	}
	end = func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.users, user)
	}
	return read, end, nil
}

// export reads everything into a file before it sends the first byte, so that no client, however slow, holds a connection of the pool.
func (a *API) export(ctx context.Context, me *caller, _ *Nothing) (*huma.StreamResponse, error) {
	read, end, err := a.exports.begin(me.session.UserID)
	if err != nil {
		return nil, err
	}
	file, err := spool(func(w io.Writer) error {
		defer read()
		_, err := userdata.Export(ctx, me.Scope, w)
		return err
	})
	if err != nil {
		end()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer end()
		defer file.Close()
		_, w := humago.Unwrap(hctx)
		if err := send(w, file, fmt.Sprintf("bizy-%s.json", time.Now().UTC().Format(time.DateOnly))); err != nil {
			a.log.InfoContext(ctx, "export not sent", "error", err)
			panic(http.ErrAbortHandler) // the client has less than the length that it was told
		}
	}}, nil
}

// spool writes to a file without a name and returns it at its beginning.
func spool(write func(io.Writer) error) (*tempFile, error) {
	file, err := os.CreateTemp("", "export-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // where the system allows it, so that nothing is left even if the process is killed
	spooled := &tempFile{file}
	if err = write(file); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = spooled.Close()
		return nil, err
	}
	return spooled, nil
}

// A tempFile is gone once it is closed.
type tempFile struct{ *os.File }

func (f *tempFile) Close() error {
	err := f.File.Close()
	_ = os.Remove(f.Name())
	return err
}

func send(w http.ResponseWriter, file *tempFile, name string) error {
	about, err := file.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	web.NoStore(w)
	w.Header().Set("Content-Length", fmt.Sprint(about.Size()))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendWithin)) // a server without deadlines has none to move
	_, err = io.Copy(w, file.File)
	return err
}
