package oldapi

import (
	"fmt"
	"html"
	"regexp"
	"strings"

	"example.com/server/internal/web"
)

const version = "1.0.0"

// A page is an answer of HTML.
type page string

func (a *API) publicRoutes() []route {
	say := func(path string, what func() any) route {
		return route{pattern: "GET " + path, status: 200, public: true, do: func(*call) (any, error) { return what(), nil }}
	}
	return []route{
		say("/{$}", func() any {
			return map[string]any{
				"message": "Bizy AI API", "version": version, "docs": "/api/docs", "simple_docs": "/api/simple-docs", "health": "/health",
			}
		}),
		say("/health", func() any { return map[string]any{"status": "healthy", "service": "bizy-ai-api", "version": version} }),
		say("/api/docs", func() any { return a.docs() }),
		say("/api/simple-docs", func() any { return a.docs() }),
		say("/api/openapi.json", func() any { return a.openAPI() }),
		say("/api/endpoints", func() any {
			return map[string]any{"endpoints": each(a.Routes(), func(r web.Route) string { return r.Method + " " + pathOf(r) })}
		}),
	}
}

// pathOf is a path as people write it.
func pathOf(r web.Route) string { return strings.TrimSuffix(r.Path, "{$}") }

func (a *API) docs() page {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html><html lang=\"en\"><title>Bizy AI API</title><h1>Bizy AI API</h1><ul>")
	for _, r := range a.Routes() {
		fmt.Fprintf(&b, "<li><code>%s %s</code></li>", r.Method, html.EscapeString(pathOf(r)))
	}
	b.WriteString("</ul></html>")
	return page(b.String())
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// openAPI names the routes. The bodies are described for /api/v1 only.
func (a *API) openAPI() any {
	paths := map[string]map[string]any{}
	for _, r := range a.Routes() {
		operation := map[string]any{"responses": map[string]any{"default": map[string]any{"description": "JSON"}}}
		for _, name := range pathParameter.FindAllStringSubmatch(r.Path, -1) {
			parameters, _ := operation["parameters"].([]any)
			operation["parameters"] = append(parameters, map[string]any{
				"name": name[1], "in": "path", "required": true, "schema": map[string]any{"type": "integer"},
			})
		}
		if !r.Public {
			operation["security"] = []any{map[string]any{"bearer": []any{}}}
		}
		if paths[pathOf(r)] == nil {
			paths[pathOf(r)] = map[string]any{}
		}
		paths[pathOf(r)][strings.ToLower(r.Method)] = operation
	}
	return map[string]any{
		"openapi": "3.1.0", "info": map[string]any{"title": "Bizy AI API", "version": version}, "paths": paths,
		"components": map[string]any{"securitySchemes": map[string]any{"bearer": map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
	}
}
