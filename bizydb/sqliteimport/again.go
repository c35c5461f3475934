package sqliteimport

import (
	"context"
	"slices"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
)

// reportChanges reports what was changed in the file, and what was deleted from it, since it was imported. What was deleted here
// as well is not reported.
func (i *importer) reportChanges(ctx context.Context) error {
	if err := i.reportChanged(ctx, i.goals, &i.outline.goals, &i.report.Goals); err != nil {
		return err
	}
	if err := i.reportChanged(ctx, i.tasks, &i.outline.tasks, &i.report.Tasks); err != nil {
		return err
	}
	if err := i.reportDeleted(ctx, i.goals, &i.outline.goals, &i.report.Goals); err != nil {
		return err
	}
	return i.reportDeleted(ctx, i.tasks, &i.outline.tasks, &i.report.Tasks)
}

func (i *importer) reportChanged(ctx context.Context, t *table, r *rows, counts *Counts) error {
	places := slices.DeleteFunc(r.changed, func(at int32) bool { return r.states[at] != known })
	if len(places) == 0 {
		return nil
	}
	var recounted map[int64]bool
	if t == i.goals {
		var err error
		if recounted, err = i.goalsWithWork(ctx); err != nil {
			return err
		}
	}
	for places := range slices.Chunk(places, chunkSize) {
		of := importsql.ListColumnHashesParams{Kind: t.kind}
		for _, at := range places {
			of.NewIDs = append(of.NewIDs, r.newIDs[at])
		}
		list, err := i.queries.ListColumnHashes(ctx, of)
		if err != nil {
			return err
		}
		before := make(map[int64][]byte, len(list))
		for _, row := range list {
			before[row.NewID] = row.ColumnHashes
		}
		if err := i.readPlaces(ctx, t, r, places, func(row *row) {
			columns := row.changed(before[r.newIDs[r.find(row.id)]])
			if recounted[row.id] {
				columns = slices.DeleteFunc(columns, func(column string) bool { return column == "progress_percentage" })
			}
			if len(columns) > 0 {
				counts.Changed++
			}
			for _, column := range columns {
				f := Finding{Table: t.name, ID: row.id, Column: column, Problem: Changed}
				if column != "" {
					f.Old = text(row.value(column))
				}
				i.found(f)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

// goalsWithWork are the goals, by their ids in the file, that have tasks or sub-goals there: their percentage is counted.
func (i *importer) goalsWithWork(ctx context.Context) (map[int64]bool, error) {
	with := map[int64]bool{}
	for _, t := range []*table{i.goals, i.tasks} {
		if !t.present[slices.Index(t.columns, "parent_goal_id")] {
			continue
		}
		parents, err := queryFile(ctx, i.file, one[any], "SELECT DISTINCT parent_goal_id FROM "+t.quoted)
		if err != nil {
			return nil, i.file.named(err)
		}
		for _, parent := range parents {
			if id, ok := wholeNumber(parent); ok {
				with[id] = true
			}
		}
	}
	return with, nil
}

// reportDeleted reports the rows that are no longer in the file. An import brought rows of one file: where others of them are in
// this file it is that one, or a copy.
func (i *importer) reportDeleted(ctx context.Context, t *table, r *rows, counts *Counts) error {
	absent := slices.DeleteFunc(r.absent, func(row importsql.ListImportedRow) bool { return !i.imports[row.Import] })
	r.absent = nil
	for absent := range slices.Chunk(absent, chunkSize) {
		ids := make([]int64, len(absent))
		for k, row := range absent {
			ids[k] = row.NewID
		}
		here, err := i.existing(ctx, t, ids)
		if err != nil {
			return err
		}
		for _, row := range absent {
			if _, ok := slices.BinarySearch(here, row.NewID); ok {
				counts.Deleted++
				i.found(Finding{Table: t.name, ID: row.OldID, Problem: DeletedFromFile})
			}
		}
	}
	return nil
}

// findGone looks which of the known rows that are wanted, nil for all, have been deleted since.
func (i *importer) findGone(ctx context.Context, t *table, r *rows, wanted []bool) error {
	var places []int
	for at, state := range r.states {
		if state == known && (wanted == nil || wanted[at]) {
			places = append(places, at)
		}
	}
	for chunk := range slices.Chunk(places, chunkSize) {
		ids := make([]int64, len(chunk))
		for k, at := range chunk {
			ids[k] = r.newIDs[at]
		}
		here, err := i.existing(ctx, t, ids)
		if err != nil {
			return err
		}
		for _, at := range chunk {
			if _, ok := slices.BinarySearch(here, r.newIDs[at]); !ok {
				r.states[at] = gone
			}
		}
	}
	return nil
}

// existing returns those of the ids that are still here, in order.
func (i *importer) existing(ctx context.Context, t *table, ids []int64) (here []int64, err error) {
	if t == i.goals {
		here, err = idsOf(i.queries.ExistingGoals(ctx, ids))
	} else {
		here, err = idsOf(i.queries.ExistingTasks(ctx, ids))
	}
	slices.Sort(here)
	return here, err
}
