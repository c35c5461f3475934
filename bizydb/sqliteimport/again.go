package sqliteimport

import (
	"context"
	"slices"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
)

// reportChanges reports what was changed in the file since the last import, and what is not in it. What was deleted here is not reported.
func (i *importer) reportChanges(ctx context.Context, records []importsql.ListRecordsRow) error {
	if err := i.reportChanged(ctx, i.goals, &i.outline.goals, &i.report.Goals); err != nil {
		return err
	}
	if err := i.reportChanged(ctx, i.tasks, &i.outline.tasks, &i.report.Tasks); err != nil {
		return err
	}
	return i.reportAbsent(ctx, records)
}

// reportChanged reports changes, and records them: the next import reports only others.
func (i *importer) reportChanged(ctx context.Context, t *table, r *rows, counts *Counts) error {
	rows := slices.DeleteFunc(r.changed, func(row changed) bool { return r.states[row.at] != known })
	r.changed = nil
	if len(rows) == 0 {
		return nil
	}
	before, err := i.hashesBefore(ctx, r, rows)
	if err != nil {
		return err
	}
	var recounted map[int64]bool
	if t == i.goals {
		if recounted, err = i.goalsWithWork(ctx); err != nil {
			return err
		}
	}
	recorder := i.recorder(t.kind, r) // which a dry run leaves empty
	at := 0                           // of the row that is read, in rows
	for chunk := range slices.Chunk(rows, importsql.ChunkRows) {
		places := make([]int32, len(chunk))
		for k, row := range chunk {
			places[k] = row.at
		}
		if err := i.readPlaces(ctx, t, r, places, func(row *row) {
			content, now := row.hashes()
			columns := row.changed(before[at], now)
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
			if !i.DryRun {
				recorder.add(row.id, r.newIDs[rows[at].at], row.mark(), content, now)
			}
			at++
		}); err != nil {
			return err
		}
		if err := recorder.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hashesBefore returns the hashes of the columns of each row as they were last recorded. It reads each record once.
func (i *importer) hashesBefore(ctx context.Context, r *rows, rows []changed) ([][]byte, error) {
	wanted := map[int64]map[int64]int{} // by record and new id: the place in rows
	for k, row := range rows {
		if wanted[row.record] == nil {
			wanted[row.record] = map[int64]int{}
		}
		wanted[row.record][r.newIDs[row.at]] = k
	}
	before := make([][]byte, len(rows))
	for record, wanted := range wanted {
		found, err := i.queries.GetColumnHashes(ctx, record)
		if err != nil {
			return nil, err
		}
		for n, id := range found.NewIDs {
			if k, ok := wanted[id]; ok {
				before[k] = found.ColumnHashes[n]
			}
		}
	}
	return before, nil
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

// reportAbsent reports rows that are here and not in the file. An import brought rows of one file. If this one has fewer of them than it
// lacks, it is another file or a copy that diverged, of which that says nothing.
func (i *importer) reportAbsent(ctx context.Context, records []importsql.ListRecordsRow) error {
	imports := make(map[int64]int64, len(records)) // by record: when it was, which tells imports apart
	present, absent := map[int64]int{}, map[int64]int{}
	for _, record := range records {
		imports[record.ID] = record.ImportedAt.UnixMicro()
		present[imports[record.ID]] += i.records[record.ID]
	}
	tables := []struct {
		*table
		*rows
		*Counts
	}{{i.goals, &i.outline.goals, &i.report.Goals}, {i.tasks, &i.outline.tasks, &i.report.Tasks}}
	for _, of := range tables {
		rows := slices.DeleteFunc(of.absent, func(row importsql.ListImportedRow) bool { return present[imports[row.Record]] == 0 })
		of.absent = nil
		newID := func(row importsql.ListImportedRow) int64 { return row.NewID }
		if err := lookUp(ctx, i, of.table, rows, newID, func(row importsql.ListImportedRow, here bool) {
			if here {
				absent[imports[row.Record]]++
				of.absent = append(of.absent, row)
			}
		}); err != nil {
			return err
		}
	}
	for _, of := range tables {
		for _, row := range of.absent {
			if at := imports[row.Record]; present[at] > absent[at] {
				of.NotInFile++
				i.found(Finding{Table: of.name, ID: row.OldID, Problem: NotInFile})
			}
		}
		of.absent = nil
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
	return lookUp(ctx, i, t, places, func(at int) int64 { return r.newIDs[at] }, func(at int, here bool) {
		if !here {
			r.states[at] = gone
		}
	})
}

// lookUp calls each with every row, and whether the row of t with its new id is still here.
func lookUp[T any](ctx context.Context, i *importer, t *table, rows []T, newID func(T) int64, each func(row T, here bool)) error {
	for chunk := range slices.Chunk(rows, importsql.ChunkRows) {
		ids := make([]int64, len(chunk))
		for k, row := range chunk {
			ids[k] = newID(row)
		}
		existing, err := i.existing(ctx, t, ids)
		if err != nil {
			return err
		}
		for _, row := range chunk {
			_, here := slices.BinarySearch(existing, newID(row))
			each(row, here)
		}
	}
	return nil
}

// existing returns those of the ids that are still here, in order.
func (i *importer) existing(ctx context.Context, t *table, ids []int64) (here []int64, err error) {
	if t == i.goals {
		here, err = importsql.Numbers(i.queries.ExistingGoals(ctx, ids))
	} else {
		here, err = importsql.Numbers(i.queries.ExistingTasks(ctx, ids))
	}
	slices.Sort(here)
	return here, err
}
