// Package web has what every face of the service shares: routes, middleware, the request log.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// A Route is one method of one path. Tests walk the routes of every face, so that none goes without a test.
type Route struct {
	Method, Path string // Path is a pattern of http.ServeMux
	Public       bool   // does without a token
	Handler      http.Handler
}

// Pattern returns the pattern that the route has in an http.ServeMux.
func (r Route) Pattern() string { return r.Method + " " + r.Path }

// Mount adds routes to a mux. Each names the span of its requests.
func Mount(mux *http.ServeMux, routes []Route) {
	for _, route := range routes {
		mux.HandleFunc(route.Pattern(), func(w http.ResponseWriter, r *http.Request) {
			NameSpan(r.Context(), route.Method, route.Path)
			route.Handler.ServeHTTP(w, r)
		})
	}
}

// NameSpan names the span of a request by its route, which unlike its path is one of a few.
func NameSpan(ctx context.Context, method, path string) {
	span := trace.SpanFromContext(ctx)
	span.SetName(method + " " + path)
	span.SetAttributes(attribute.String("http.route", path))
}

// A Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Chain wraps a handler. The first middleware sees a request first.
func Chain(h http.Handler, all ...Middleware) http.Handler {
	for _, m := range slices.Backward(all) {
		h = m(h)
	}
	return h
}

// Log logs each request, without its query and body, and each panic, which becomes a plain 500.
func Log(log *slog.Logger) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start, status := time.Now(), 0
			out := &writer{w, func(s int) { status = s }}
			defer func() {
				if p := recover(); p != nil {
					if p == http.ErrAbortHandler {
						panic(p)
					}
					log.ErrorContext(r.Context(), "panic", "panic", p, "stack", string(debug.Stack()))
					Fail(out)
				}
				log.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", status, "took", time.Since(start))
			}()
			next.ServeHTTP(out, r)
		})
	}
}

// Fail answers 500, as long as nothing has been written.
func Fail(w http.ResponseWriter) {
	http.Error(w, "Internal Server Error", http.StatusInternalServerError)
}

// A writer calls a function once, before an answer begins.
type writer struct {
	http.ResponseWriter
	before func(status int) // nil after that
}

func (w *writer) begin(status int) {
	if before := w.before; before != nil {
		w.before = nil
		before(status)
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A Drain tells clients that the service is about to stop.
type Drain struct{ begun atomic.Bool }

// Begin makes the service not ready, and every answer the last one of its connection.
func (d *Drain) Begin() { d.begun.Store(true) }

// Begun reports whether Begin was called.
func (d *Drain) Begun() bool { return d.begun.Load() }

// Middleware closes connections after their answer once the drain has begun.
func (d *Drain) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.Begun() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// SecurityHeaders sets the headers that every answer has. A face that serves pages replaces the policy by its own, and answers that are
// secret are not stored at all: see NoStore.
func SecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-XSS-Protection", "1; mode=block")
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer") // links in mails have tokens
		h.Set("Cache-Control", "private, no-cache")
		next.ServeHTTP(w, r)
	})
}

// NoStore keeps an answer with a token or much of a user's data out of every cache.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// Deadline ends the context of a request after some time, so that none waits for a connection of the pool forever.
func Deadline(after time.Duration) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), after)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// ClientAddress takes the client's address from a header that a proxy adds to, such as X-Forwarded-For. Without a proxy that does,
// anybody could write it.
func ClientAddress(header string) Middleware {
	return func(next http.Handler) http.Handler {
		if header == "" {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if all := r.Header.Values(header); len(all) > 0 {
				last := all[len(all)-1]
				r.RemoteAddr = strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
			}
			next.ServeHTTP(w, r)
		})
	}
}

const corsMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

// CORS lets pages of some origins call the service with credentials, by any method and with any header.
func CORS(origins []string) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			origin, h := r.Header.Get("Origin"), w.Header()
			h.Add("Vary", "Origin")
			if origin == "" {
				next.ServeHTTP(w, r)
				return
			}
			allowed := slices.Contains(origins, origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			if allowed {
				h.Set("Access-Control-Allow-Origin", origin)
			}
			method := r.Header.Get("Access-Control-Request-Method")
			if r.Method != http.MethodOptions || method == "" {
				h.Set("Access-Control-Expose-Headers", "ETag, Link, Location, Retry-After")
				next.ServeHTTP(w, r)
				return
			}
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Max-Age", "600")
			if headers := r.Header.Get("Access-Control-Request-Headers"); headers != "" {
				h.Set("Access-Control-Allow-Headers", headers)
			}
			switch {
			case !allowed:
				text(w, http.StatusBadRequest, "Disallowed CORS origin")
			case !slices.Contains(strings.Split(corsMethods, ", "), method):
				text(w, http.StatusBadRequest, "Disallowed CORS method")
			default:
				text(w, http.StatusOK, "OK")
			}
		})
	}
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
