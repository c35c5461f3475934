package v1

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A GoalQuery selects goals.
type GoalQuery struct {
	CursorQuery
	Status          planner.GoalStatuses `query:"status,explode" enum:"active,completed,on_hold,cancelled" doc:"With one of these. May be repeated."`
	Horizon         planner.Horizon      `query:"horizon" enum:"yearly,quarterly,monthly,weekly"`
	ParentGoalID    planner.GoalID       `query:"parent_goal_id" minimum:"1" doc:"Directly under this goal."`
	RootsOnly       bool                 `query:"roots_only" doc:"Under no goal."`
	SkipUnderClosed bool                 `query:"skip_under_closed" doc:"Without those under a completed or cancelled goal, at any depth."`
	Search          string               `query:"search" doc:"With this text in title, description or success criteria."`
	Order           string               `query:"order" enum:"target_date,progress,newest" default:"target_date"`
}

// A GoalList is a page of goals.
type GoalList struct {
	Goals []planner.Goal `json:"goals"`
	Total *int           `json:"total,omitempty" doc:"How many match on all pages, if total=true."`
}

// A GoalPageOut is the answer with a page.
type GoalPageOut struct {
	Link []string `header:"Link" doc:"The pages beside this one."`
	Body GoalList
}

// A Tree has goals with those under them.
type Tree struct {
	Goals []planner.GoalTreeRow `json:"goals" doc:"Depth first: each goal is followed by those under it, one deeper. Tasks directly under it are counted by status."`
}

func goalOperations(a *API) {
	const tag = "goals"

	type one struct {
		GoalPath
		IfNoneMatch
	}
	type change struct {
		GoalPath
		IfMatch
		Body Patch[GoalFields, planner.UpdateGoalParams]
	}
	type move struct { // or a deletion
		GoalPath
		IfMatch
	}
	orders := map[string]planner.GoalOrder{
		"target_date": planner.GoalsByTargetDate, "progress": planner.GoalsByProgress, "newest": planner.GoalsByNewest,
	}

	register(a, "GET /goals", tag, "list-goals", "List goals", func(ctx context.Context, me *caller, in *GoalQuery) (*GoalPageOut, error) {
		page, err := me.PageGoals(ctx, planner.PageGoalsParams{
			Statuses: in.Status, Horizon: some(in.Horizon), ParentGoalID: some(in.ParentGoalID), RootsOnly: in.RootsOnly,
			SkipUnderClosed: in.SkipUnderClosed, Search: in.Search, Order: orders[in.Order],
			Size: in.Limit, Cursor: planner.GoalCursor(in.Cursor), WithTotal: in.Total,
		})
		if err != nil {
			return nil, err
		}
		return &GoalPageOut{in.links(string(page.Next), string(page.Previous)), GoalList{page.Goals, in.total(page.Total)}}, nil
	})
	register(a, "POST /goals", tag, "create-goal", "Create a goal", func(ctx context.Context, me *caller, in *Answer[NewGoal]) (*NewGoalOut, error) {
		goal, err := me.CreateGoal(ctx, planner.CreateGoalParams(in.Body))
		if err != nil {
			return nil, err
		}
		return &NewGoalOut{goalTag(goal), path("/goals/%d", goal.ID), goal}, nil
	}, created)
	register(a, "GET /goals/{goal_id}", tag, "get-goal", "Get a goal", func(ctx context.Context, me *caller, in *one) (*GoalOut, error) {
		out, err := oneGoal(me.GetGoal(ctx, in.GoalID))
		if err != nil {
			return nil, err
		}
		return out, in.unchanged(out.ETag)
	})
	register(a, "PATCH /goals/{goal_id}", tag, "update-goal", "Change a goal", func(ctx context.Context, me *caller, in *change) (_ *GoalOut, err error) {
		p := in.Body.params
		p.ID = in.GoalID
		if p.IfVersion, err = in.version(); err != nil {
			return nil, err
		}
		return oneGoal(me.UpdateGoal(ctx, p))
	}, describedAs("Fields that are sent change, and null clears. If-Match looks at the version alone: progress that has moved refuses nothing."))
	register(a, "DELETE /goals/{goal_id}", tag, "delete-goal", "Delete a goal", func(ctx context.Context, me *caller, in *move) (*Nothing, error) {
		version, err := in.version()
		switch {
		case err != nil:
		case version != nil:
			_, err = me.DeleteGoalIfVersion(ctx, planner.DeleteGoalIfVersionParams{ID: in.GoalID, Version: *version})
		default:
			_, err = me.DeleteGoal(ctx, in.GoalID)
		}
		return nil, err
	}, describedAs("It goes to the trash. Its sub-goals become roots, and its tasks stay without a goal."))

	register(a, "POST /goals/{goal_id}/complete", tag, "complete-goal", "Complete a goal", func(ctx context.Context, me *caller, in *move) (*GoalOut, error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		row, err := me.CompleteGoal(ctx, planner.CompleteGoalParams{ID: in.GoalID, IfVersion: version})
		return oneGoal(row.Goal, err)
	}, describedAs("Even with unfinished work under it."))
	register(a, "POST /goals/{goal_id}/reopen", tag, "reopen-goal", "Make a completed goal active again", func(ctx context.Context, me *caller, in *move) (*GoalOut, error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		row, err := me.ReopenGoal(ctx, planner.ReopenGoalParams{ID: in.GoalID, IfVersion: version})
		return oneGoal(row.Goal, err)
	}, describedAs("And every completed goal above it."))

	register(a, "GET /goals/tree", tag, "get-trees", "Get all goals as trees", func(ctx context.Context, me *caller, _ *Nothing) (*Answer[Tree], error) {
		goals, err := me.GoalTree(ctx, 0)
		return answer(Tree{goals}, err)
	})
	register(a, "GET /goals/{goal_id}/tree", tag, "get-tree", "Get a goal with those under it", func(ctx context.Context, me *caller, in *GoalPath) (*Answer[Tree], error) {
		goals, err := me.GoalTree(ctx, in.GoalID)
		if err == nil && len(goals) == 0 {
			err = bizydb.ErrNotFound
		}
		return answer(Tree{goals}, err)
	})
}
