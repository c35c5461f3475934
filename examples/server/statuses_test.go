package main

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"example.com/server/internal/oldapi"
	"example.com/server/internal/web"
)

// routeStatuses are the status codes that each route of the old API documents, besides 401 and 403 of those that need a token. The tests
// together have to get each of them: TestMain says which one none gets.
var routeStatuses = map[string][]int{
	"GET /{$}":                         {200},
	"GET /health":                      {200},
	"GET /api/docs":                    {200},
	"GET /api/simple-docs":             {200},
	"GET /api/openapi.json":            {200},
	"GET /api/endpoints":               {200},
	"POST /api/auth/register":          {201, 409, 422},
	"POST /api/auth/login":             {200, 401, 422, 423},
	"GET /api/auth/profile":            {200},
	"POST /api/auth/logout":            {200},
	"GET /api/auth/verify-token":       {200},
	"GET /api/auth/auth-server-health": {200},

	"POST /register":               {201, 409, 422, 500},
	"POST /login":                  {200, 401, 422, 423},
	"GET /profile":                 {200},
	"POST /password-reset":         {200, 422, 429},
	"POST /password-reset/confirm": {200, 400, 422},
	"POST /verify-email":           {200, 400, 422},

	"GET /api/users/me":               {200},
	"DELETE /api/users/me":            {204},
	"POST /api/users/change-password": {200, 400, 422, 423},

	"GET /api/tasks/{$}":                   {200, 422},
	"POST /api/tasks/{$}":                  {201, 400, 413, 422, 500},
	"GET /api/tasks/{task_id}":             {200, 404, 422},
	"PATCH /api/tasks/{task_id}":           {200, 400, 404, 422},
	"DELETE /api/tasks/{task_id}":          {204, 404, 422},
	"POST /api/tasks/{task_id}/complete":   {200, 400, 404, 422},
	"POST /api/tasks/{task_id}/uncomplete": {200, 400, 404, 422},
	"GET /api/tasks/stats/summary":         {200},

	"GET /api/goals/{$}":                               {200, 422},
	"POST /api/goals/{$}":                              {201, 400, 422},
	"GET /api/goals/{goal_id}":                         {200, 404, 422},
	"PATCH /api/goals/{goal_id}":                       {200, 400, 404, 422},
	"DELETE /api/goals/{goal_id}":                      {204, 404, 422},
	"POST /api/goals/{goal_id}/calculate-progress":     {200, 404, 422},
	"POST /api/goals/{goal_id}/breakdown":              {422, 503},
	"POST /api/goals/{goal_id}/breakdown/create-tasks": {200, 404, 422},
	"GET /api/goals/stats/summary":                     {200},

	"GET /api/analytics/tasks":    {200, 422},
	"GET /api/analytics/goals":    {200},
	"GET /api/analytics/velocity": {200, 422},
	"GET /api/analytics/trends":   {200, 422},

	"GET /api/briefings/morning":   {503},
	"POST /api/briefings/evening":  {422, 503},
	"POST /api/briefings/research": {422, 503},
}

// oldRoutes leads requests to the routes of the old API, by their patterns.
var oldRoutes = sync.OnceValue(func() (found struct {
	*http.ServeMux
	all []web.Route
},
) {
	found.ServeMux, found.all = http.NewServeMux(), oldapi.New(nil, nil, nil).Routes()
	web.Mount(found.ServeMux, found.all)
	return found
})

// got has what the tests got, like "200 GET /health".
var got sync.Map

// takeDown takes down an answer.
func takeDown(r *http.Request, status int) {
	if _, pattern := oldRoutes().Handler(r); pattern != "" {
		got.Store(fmt.Sprint(status, " ", pattern), true)
	}
}

func TestStatusesOfEveryRoute(t *testing.T) {
	t.Parallel()
	routes := map[string]bool{}
	for _, r := range oldRoutes().all {
		routes[r.Pattern()] = true
		if routeStatuses[r.Pattern()] == nil {
			t.Errorf("routeStatuses lacks %s", r.Pattern())
		}
	}
	for pattern := range routeStatuses {
		if !routes[pattern] {
			t.Errorf("routeStatuses has %s, which is no route", pattern)
		}
	}
}

// missing are the documented statuses that no test got, once all have run.
func missing() (all []string) {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(name).Value.String() != "" {
			return nil
		}
	}
	for _, r := range oldRoutes().all {
		wanted := slices.Clone(routeStatuses[r.Pattern()])
		if !r.Public {
			wanted = append(wanted, 401, 403)
		}
		for _, status := range wanted {
			one := fmt.Sprint(status, " ", r.Pattern())
			if _, ok := got.Load(one); !ok {
				all = append(all, one)
			}
		}
	}
	return all
}
