package oldapi

import "net/http"

// errNoAI is what a service without a key of an AI answers.
var errNoAI = fail(http.StatusServiceUnavailable, "AI service not configured (ANTHROPIC_API_KEY missing)")

func (a *API) briefingRoutes() []route {
	return []route{
		{pattern: "GET /api/briefings/morning", status: 200, do: func(*call) (any, error) { return nil, errNoAI }},
		{pattern: "POST /api/briefings/evening", status: 200, body: needsBody, do: eveningBriefing},
		{pattern: "POST /api/briefings/research", status: 200, body: needsBody, do: research},
	}
}

func eveningBriefing(c *call) (any, error) {
	f := c.fields()
	for _, name := range []string{"wins", "blockers", "learnings"} {
		f.text(name, optional, 0, 0)
	}
	if !f.null("energy_level") {
		f.small("energy_level", notNull, 1, 10)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return nil, errNoAI
}

func research(c *call) (any, error) {
	f := c.fields()
	f.text("topic", required, 3, 500)
	list(f, "focus_areas", textItem)
	f.small("max_insights", notNull, 1, 10)
	if err := c.check(); err != nil {
		return nil, err
	}
	return nil, errNoAI
}
