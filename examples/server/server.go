package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"example.com/server/internal/auth"
	"example.com/server/internal/oldapi"
	"example.com/server/internal/page"
	"example.com/server/internal/v1"
	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
)

// A server is the service without its listener: its handler and its jobs.
type server struct {
	handler http.Handler
	jobs    *river.Client[pgx.Tx]
	drain   *web.Drain
	routes  []web.Route // of the old API
	v1      *v1.API
}

func newServer(c config, db *bizydb.DB, log *slog.Logger) (*server, error) {
	s := &server{drain: &web.Drain{}}
	users := auth.New(auth.Config{DB: db, Tokens: c.tokens, Sender: c.sender, Log: log, PublicURL: c.publicURL, VerifiedOnly: c.verified})
	jobs, err := newJobs(db, users, log)
	if err != nil {
		return nil, err
	}
	s.jobs = jobs
	users.UseJobs(jobs)

	// Each face of the service has the paths below its own.
	old := oldapi.New(db, users, log)
	s.routes = append(s.routes, old.Routes()...)

	if s.v1, err = v1.New(db, users, log); err != nil {
		return nil, err
	}

	secure := strings.HasPrefix(c.publicURL, "https:")
	mux := http.NewServeMux()
	mux.Handle("/", old)
	mux.Handle(v1.Prefix+"/", s.v1)
	mux.Handle("/app/", page.New(db, users, log, secure))
	mux.Handle("GET /{$}", page.Browsers(old))
	mux.Handle("GET /ready", s.ready(db))
	middleware := []web.Middleware{
		func(h http.Handler) http.Handler { return otelhttp.NewHandler(h, "request") },
		web.ClientAddress(c.addressHeader), web.Log(log), web.Deadline(30 * time.Second), s.drain.Middleware, web.SecurityHeaders, web.CORS(c.origins),
	}
	if len(c.standbys) > 0 {
		middleware = append(middleware, web.Seen(secure))
	}
	s.handler = web.Chain(mux, middleware...)
	return s, nil
}

// ready says whether a load balancer should send requests: the database answers, and the service is not about to stop.
func (s *server) ready(db *bizydb.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		switch {
		case s.drain.Begun():
			http.Error(w, "about to stop", http.StatusServiceUnavailable)
		case db.Pool().Ping(ctx) != nil:
			http.Error(w, "no database", http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("ready\n"))
		}
	})
}

// newJobs returns the client that puts jobs into the database and, once it is started, does them.
func newJobs(db *bizydb.DB, users *auth.Service, log *slog.Logger) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	users.AddWorkers(workers)
	return river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{
		Schema: riverSchema, Logger: log, Workers: workers, PeriodicJobs: auth.Periodic(),
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
	})
}
