package v1

import (
	"fmt"
	"maps"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
)

// PageQuery asks for one page of a list.
type PageQuery struct {
	Limit int `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many a page has."`
	url   url.URL
}

// Resolve is called by huma.
func (p *PageQuery) Resolve(ctx huma.Context) []error {
	p.url = ctx.URL()
	return nil
}

// link is a Link header to the same list with other parameters.
func (p *PageQuery) link(rel string, other url.Values) string {
	query := p.url.Query()
	maps.Copy(query, other)
	to := url.URL{Path: p.url.Path, RawQuery: query.Encode()}
	return fmt.Sprintf(`<%s>; rel="%s"`, to.RequestURI(), rel)
}

// CursorQuery asks for a page by its cursor.
type CursorQuery struct {
	PageQuery
	Cursor string `query:"cursor" doc:"From a Link header: follow it as it is."`
	Total  bool   `query:"total" doc:"Also count all that match."`
}

func (c *CursorQuery) links(next, previous string) (links []string) {
	if next != "" {
		links = append(links, c.link("next", url.Values{"cursor": {next}}))
	}
	if previous != "" {
		links = append(links, c.link("prev", url.Values{"cursor": {previous}}))
	}
	return links
}

// total is the total of a page, if it was asked for.
func (c *CursorQuery) total(of int) *int {
	if !c.Total {
		return nil
	}
	return &of
}
