package main

import (
	"strings"
	"testing"
)

// What every answer has, and what a request gets that no route is for.
func TestGeneral(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.newPerson(t, "ada")
	token := "Bearer " + ada.token
	for _, c := range []struct {
		request, body string
		header        []string
		status        int
		want          string
	}{
		{request: "GET /", status: 200, want: `{"message": "Bizy AI API", "version": "1.0.0", "docs": "/api/docs", "simple_docs": "/api/simple-docs", "health": "/health"}`},
		{request: "GET /health", status: 200, want: `{"status": "healthy", "service": "bizy-ai-api", "version": "1.0.0"}`},
		{request: "GET /ready", status: 200, want: "ready"},
		{request: "GET /api/docs", status: 200},
		{request: "GET /api/simple-docs", status: 200},
		{request: "GET /api/openapi.json", status: 200},
		{request: "GET /api/endpoints", status: 200},
		{request: "GET /nowhere", status: 404, want: detail("Not Found")},
		{request: "GET /api/nowhere/", status: 404, want: detail("Not Found")},
		{request: "PUT /api/tasks/1", status: 405, want: detail("Method Not Allowed")},
		{request: "DELETE /health", status: 405, want: detail("Method Not Allowed")},

		{request: "GET /api/tasks/", status: 403, want: detail("Not authenticated")},
		{request: "GET /api/tasks/", header: []string{"Authorization", "Basic YTpi"}, status: 403, want: detail("Invalid authentication credentials")},
		{request: "GET /api/tasks/", header: []string{"Authorization", "Bearer x"}, status: 401},
		// The token is looked at before the rest.
		{request: "POST /api/tasks/", body: "{", status: 403, want: detail("Not authenticated")},

		{request: "POST /api/tasks/", header: []string{"Authorization", token}, status: 422, want: `{"detail": [
			{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]}`},
		{request: "POST /api/tasks/", header: []string{"Authorization", token}, body: "{bad", status: 422, want: `{"detail": [
			{"type": "json_invalid", "loc": ["body", 1], "msg": "JSON decode error", "input": {}, "ctx": {"error": "invalid character 'b' looking for beginning of object key string"}}]}`},
		{request: "POST /api/tasks/", header: []string{"Authorization", token}, body: `{"title": "x"} {}`, status: 422},
		{request: "POST /api/tasks/", header: []string{"Authorization", token}, body: "\"\xff\"", status: 400, want: detail("There was an error parsing the body")},
		{request: "POST /api/tasks/", header: []string{"Authorization", token}, body: `"` + strings.Repeat("x", 1<<20) + `"`, status: 413, want: detail("Request body too large")},
		{request: "POST /api/tasks/", header: []string{"Authorization", token}, body: "[]", status: 422, want: `{"detail": [
			{"type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary or object to extract fields from", "input": []}]}`},
	} {
		got := s.send(t, c.request, c.body, c.header...)
		wantAnswer(t, c.request, got, c.status, c.want)
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "X-XSS-Protection": "1; mode=block",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Referrer-Policy": "no-referrer", "Vary": "Origin",
		} {
			if got.header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", c.request, name, got.header.Get(name), value)
			}
		}
		if got.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: no Content-Security-Policy", c.request)
		}
		if bearer := got.header.Get("WWW-Authenticate"); (bearer == "Bearer") != (got.status == 401) {
			t.Errorf("%s: WWW-Authenticate is %q with %d", c.request, bearer, got.status)
		}
	}
}

// Ready tells a load balancer that requests would fail, while health says that the process need not be started anew.
func TestNotReady(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.db.Close()
	wantAnswer(t, "ready", s.send(t, "GET /ready", ""), 503, "no database")
	wantAnswer(t, "health", s.send(t, "GET /health", ""), 200, "")
}

func TestSlashAtTheEnd(t *testing.T) {
	t.Parallel()
	s := start(t)
	for request, want := range map[string]string{
		"GET /api/tasks?limit=1":        "/api/tasks/?limit=1",
		"POST /api/goals":               "/api/goals/",
		"GET /api/tasks/5/?x=1":         "/api/tasks/5?x=1",
		"POST /api/tasks/5/complete/":   "/api/tasks/5/complete",
		"GET /api/tasks/stats/summary/": "/api/tasks/stats/summary",
		"GET /health/":                  "/health",
	} {
		got := s.send(t, request, "")
		if got.status != 307 || got.header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want 307 to %q", request, got.status, got.header.Get("Location"), want)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := start(t, "ALLOWED_ORIGINS", "http://localhost:3000, https://app.example.org")
	const good, bad = "https://app.example.org", "https://evil.example.org"
	for name, c := range map[string]struct {
		request string
		header  []string
		status  int
		want    string
		origin  string // that is allowed
	}{
		"preflight":             {"OPTIONS /api/tasks/", []string{"Origin", good, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization"}, 200, "OK", good},
		"preflight of another":  {"OPTIONS /api/tasks/", []string{"Origin", bad, "Access-Control-Request-Method", "GET"}, 400, "Disallowed CORS origin", ""},
		"preflight of a method": {"OPTIONS /api/tasks/", []string{"Origin", good, "Access-Control-Request-Method", "TRACE"}, 400, "Disallowed CORS method", good},
		"no preflight":          {"OPTIONS /api/tasks/", nil, 405, detail("Method Not Allowed"), ""},
		"request":               {"GET /health", []string{"Origin", good}, 200, "", good},
		"request of another":    {"GET /health", []string{"Origin", bad}, 200, "", ""},
		"failed request":        {"GET /api/tasks/", []string{"Origin", good}, 403, "", good},
	} {
		got := s.send(t, c.request, "", c.header...)
		wantAnswer(t, name, got, c.status, c.want)
		if o := got.header.Get("Access-Control-Allow-Origin"); o != c.origin {
			t.Errorf("%s: allowed origin %q, want %q", name, o, c.origin)
		}
		if c.header != nil && (got.header.Get("Access-Control-Allow-Credentials") != "true" || got.header.Get("Vary") != "Origin") {
			t.Errorf("%s: headers %v", name, got.header)
		}
		if name == "preflight" && (got.header.Get("Access-Control-Max-Age") != "600" || got.header.Get("Access-Control-Allow-Headers") != "authorization" ||
			!strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "PATCH")) {
			t.Errorf("%s: headers %v", name, got.header)
		}
	}
}
