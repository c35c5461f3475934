package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A plainServer has some routes of examples/server, with what surrounds them there: router, check of the token, headers, request log,
// tracing, JSON. Only what it does in the database is written as one writes it without bizydb, as the tables' owner and with WHERE user_id.
type plainServer struct {
	pgxPeer         // where triggers keep progress, which is everywhere but in
	byHand  pgxPeer // where POST /complete keeps it by hand
	secret  []byte
}

// servePlain is a process of its own, as the server that it is compared with.
func servePlain(ctx context.Context, listen string) error {
	s := plainServer{secret: []byte(os.Getenv("JWT_SECRET"))}
	for dsn, peer := range map[string]*pgxPeer{os.Getenv("DATABASE_URL"): &s.pgxPeer, os.Getenv("BY_HAND_DATABASE_URL"): &s.byHand} {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return err
		}
		config.ConnConfig.Tracer = otelpgx.NewTracer()
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return err
		}
		defer pool.Close()
		*peer = pgxPeer{pool, false, handwritten(false)}
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	h := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = h.Close() })
	if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s plainServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	for pattern, do := range map[string]func(r *http.Request, user int64) (any, error){
		"GET /api/tasks/{id}":           s.getTask,
		"GET /api/tasks/{$}":            s.listTasks,
		"GET /api/tasks/stats/summary":  s.summary,
		"POST /api/tasks/{$}":           s.createTask,
		"POST /api/tasks/{id}/complete": s.completeTask,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			user, err := s.user(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
				return
			}
			body, err := do(r, user)
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				http.Error(w, "Not Found", http.StatusNotFound)
				return
			case err != nil:
				slog.ErrorContext(r.Context(), "failed", "error", err)
				http.Error(w, "Internal Server Error", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if pattern == "POST /api/tasks/{$}" {
				w.WriteHeader(http.StatusCreated)
			}
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			_ = encoder.Encode(body)
		})
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	return otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, h := time.Now(), w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-XSS-Protection", "1; mode=block")
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		mux.ServeHTTP(w, r)
		log.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "took", time.Since(start))
	}), "request")
}

type plainClaims struct {
	UserID   *int64  `json:"user_id"`
	Username *string `json:"username"`

	PasswordChanged time.Time `json:"password_changed"`
	jwt.RegisteredClaims
}

func (s plainServer) user(r *http.Request) (int64, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return 0, errors.New("not authenticated")
	}
	var claims plainClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.secret, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if err == nil && claims.UserID == nil {
		err = errors.New("claims are missing")
	}
	if err != nil {
		return 0, err
	}
	return *claims.UserID, nil
}

// plainToken is the token of a user, with the claims that examples/server needs.
func plainToken(secret []byte, user int64, passwordChanged time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, plainClaims{
		&user, new(fmt.Sprint("u", user)), passwordChanged, jwt.RegisteredClaims{ID: fmt.Sprint("session of ", user), ExpiresAt: jwt.NewNumericDate(time.Now().Add(24 * time.Hour))},
	}).SignedString(secret)
}

// A plainTask is a task as the API writes it.
type plainTask struct {
	Title          string             `json:"title"`
	Description    *string            `json:"description"`
	Priority       int                `json:"priority"`
	Status         planner.TaskStatus `json:"status"`
	Category       *string            `json:"category"`
	EstimatedHours *float64           `json:"estimated_hours"`
	ActualHours    *float64           `json:"actual_hours"`
	DueDate        *plainTime         `json:"due_date"`
	ParentGoalID   *planner.GoalID    `json:"parent_goal_id"`
	Dependencies   planner.TaskIDs    `json:"dependencies"`
	Notes          *string            `json:"notes"`
	Tags           planner.Tags       `json:"tags"`
	ID             planner.TaskID     `json:"id"`
	UserID         planner.UserID     `json:"user_id"`
	CreatedAt      plainTime          `json:"created_at"`
	UpdatedAt      plainTime          `json:"updated_at"`
	CompletedAt    *plainTime         `json:"completed_at"`
}

type plainTime time.Time

// MarshalJSON implements json.Marshaler.
func (t plainTime) MarshalJSON() ([]byte, error) {
	utc, layout := time.Time(t).UTC(), "2006-01-02T15:04:05"
	if utc.Nanosecond()/1000 != 0 {
		layout += ".000000"
	}
	return []byte(utc.Format(`"` + layout + `"`)), nil
}

func plainTaskOf(t planner.Task) plainTask {
	if len(t.Dependencies) == 0 {
		t.Dependencies = nil
	}
	if len(t.Tags) == 0 {
		t.Tags = nil
	}
	return plainTask{
		t.Title, t.Description, t.Priority, t.Status, t.Category, t.EstimatedHours, t.ActualHours, (*plainTime)(t.DueDate), t.ParentGoalID,
		t.Dependencies, t.Notes, t.Tags, t.ID, t.UserID, plainTime(t.CreatedAt), plainTime(t.UpdatedAt), (*plainTime)(t.CompletedAt),
	}
}

// one is the task that a method of the peer has put into an answer.
func one(a answer, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return plainTaskOf(a.tasks[0]), nil
}

func pathID(r *http.Request) (int64, error) { return strconv.ParseInt(r.PathValue("id"), 10, 64) }

func (s plainServer) getTask(r *http.Request, user int64) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var a answer
	err = s.Get(r.Context(), user, id, &a)
	return one(a, err)
}

func (s plainServer) listTasks(r *http.Request, user int64) (any, error) {
	var a answer
	if _, err := s.List(r.Context(), user, &a); err != nil {
		return nil, err
	}
	tasks := make([]plainTask, len(a.tasks))
	for i, t := range a.tasks {
		tasks[i] = plainTaskOf(t)
	}
	return tasks, nil
}

func (s plainServer) createTask(r *http.Request, user int64) (any, error) {
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 8<<20))
	if err != nil {
		return nil, err
	}
	var in struct {
		Title    string    `json:"title"`
		Priority int       `json:"priority"`
		Category string    `json:"category"`
		Goal     int64     `json:"parent_goal_id"`
		Due      time.Time `json:"due_date"`
		Tags     []string  `json:"tags"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	var a answer
	err = s.Create(r.Context(), user, newTask{in.Goal, in.Title, in.Priority, in.Category, in.Due, in.Tags}, &a)
	return one(a, err)
}

func (s plainServer) completeTask(r *http.Request, user int64) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var a answer
	err = s.byHand.Complete(r.Context(), user, id, &a)
	return one(a, err)
}

// summary counts in one round trip.
func (s plainServer) summary(r *http.Request, user int64) (any, error) {
	type counts map[string]int
	byStatus, byPriority, byCategory := counts{}, counts{}, counts{}
	total, overdue := 0, 0
	batch := &pgx.Batch{}
	into := func(c counts, each func(n int)) func(pgx.Rows) error {
		return func(rows pgx.Rows) error {
			var name *string
			var n int
			_, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error {
				if name != nil {
					c[*name] = n
				}
				each(n)
				return nil
			})
			return err
		}
	}
	nothing := func(int) {}
	batch.Queue("SELECT status, count(*) FROM public.tasks WHERE user_id = $1 GROUP BY status", user).Query(into(byStatus, nothing))
	batch.Queue("SELECT priority::text, count(*) FROM public.tasks WHERE user_id = $1 GROUP BY priority", user).Query(into(byPriority, func(n int) { total += n }))
	batch.Queue("SELECT category, count(*) FROM public.tasks WHERE user_id = $1 GROUP BY category", user).Query(into(byCategory, nothing))
	batch.Queue("SELECT count(*) FROM public.tasks WHERE user_id = $1 AND status <> 'completed' AND due_date < now()", user).QueryRow(func(row pgx.Row) error { return row.Scan(&overdue) })
	if err := s.pool.SendBatch(r.Context(), batch).Close(); err != nil {
		return nil, err
	}
	return map[string]any{"total": total, "by_status": byStatus, "by_priority": byPriority, "by_category": byCategory, "overdue": overdue}, nil
}
