package v1

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func taskTag(t planner.Task) string { return fmt.Sprintf(`"%d"`, t.Version) }

// goalTag has the time of the last change too: progress moves without a new version, so that it does not refuse what a user writes.
func goalTag(g planner.Goal) string {
	return fmt.Sprintf(`"%d-%d"`, g.Version, g.UpdatedAt.UnixMicro())
}

// IfMatch is what a change expects.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag of what is to be changed. Another version answers 412." example:"\"7\""`
}

var oneTag = regexp.MustCompile(`^"([0-9]{1,18})(?:-[0-9]+)?"$`)

// version is the version that a change expects, or nil for any. A tag that is none of this API's is one that no row has: 0.
func (i IfMatch) version() (*int64, error) {
	value := strings.TrimSpace(i.IfMatch)
	if value == "" || value == "*" {
		return nil, nil
	}
	if strings.Count(value, `"`) > 2 {
		problem := typeOf(planner.ErrInvalid).problem()
		problem.Errors = []*huma.ErrorDetail{{Message: "must be one entity tag", Location: "header.If-Match"}}
		return nil, problem
	}
	version := int64(0)
	if match := oneTag.FindStringSubmatch(value); match != nil {
		version, _ = strconv.ParseInt(match[1], 10, 64) // 18 digits fit
	}
	return &version, nil
}

// IfNoneMatch is what a client has.
type IfNoneMatch struct {
	IfNoneMatch string `header:"If-None-Match" doc:"ETags that the client has. One that is still right answers 304."`
}

// unchanged returns the answer 304 if the client has what has this tag.
func (i IfNoneMatch) unchanged(tag string) error {
	for one := range strings.SplitSeq(i.IfNoneMatch, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"Etag": {tag}})
		}
	}
	return nil
}
