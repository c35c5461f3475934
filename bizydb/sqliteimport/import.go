package sqliteimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Options configures an import. The zero value is usable.
type Options struct {
	// Zone is the time zone of the machine that the planner ran on. Nil means [time.Local].
	Zone *time.Location
	// UpgradedOn is the day on which the person got the planner's version of 2025-10-11. Before that day tasks.created_at is read in
	// UTC, from that day on in Zone. Zero means 2025-10-11. For a person who kept the older version it is [NeverUpgraded]. Only the
	// date counts.
	UpgradedOn time.Time
	// AllowOtherClock allows another Zone or UpgradedOn than in an earlier import, which otherwise returns [ErrOtherClock].
	AllowOtherClock bool
	// DryRun reads the file and writes nothing. The report is the same as that of an import.
	DryRun bool
	// Strict leaves out every row with a value that needs repair.
	Strict bool
	// DropProjects drops the projects of tasks and goals, which otherwise become tags and metrics.
	DropProjects bool
	// OnFinding is called with each finding, which is then not kept in the report. In the report, a million findings take about 200
	// MB.
	OnFinding func(Finding)
	// OnProgress is called from time to time. Like OnFinding, it runs in the goroutine of Import, which waits for it.
	OnProgress func(Progress)
}

// Progress is the state of a running import.
type Progress struct {
	Step        Step
	Done, Total int // rows
}

// A Step is a phase of an import.
type Step string

// The steps, in order. A dry run has only the first.
const (
	Reading Step = "reading"
	Writing Step = "writing"
)

// NeverUpgraded is the UpgradedOn of a person whose planner always wrote tasks.created_at in UTC.
var NeverUpgraded = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// ErrOtherClock means that [Options].Zone or UpgradedOn differs from an earlier import: from the last one with rows of this file
// or, if there is none, from every earlier one for the user.
var ErrOtherClock = errors.New("times would be read otherwise than before")

// Import imports the tasks and goals of an SQLite planner's file for a user, atomically, and returns a report. It is safe to run
// again, after an error and after success; see the package documentation. After an error nothing was written and the report is
// empty, except after [bizydb.ErrOutcomeUnknown]: then read the data to find out, and the report says what was to be committed.
//
// With DryRun the user may be 0: a user who does not exist yet, and so has imported nothing.
//
// Import returns the errors of the file ([ErrNotSQLite], [ErrDamaged], [ErrNotPlanner], [ErrInUse], [io/fs.ErrNotExist]),
// [ErrOtherClock], and those of package bizydb, such as [bizydb.ErrNoUser] for a user who does not exist or is not active. Unlike
// [bizydb.Scope.InTx] it does not retry after a serialization failure or a deadlock.
func Import(ctx context.Context, db *bizydb.DB, user bizydb.UserID, path string, options Options) (Report, error) {
	if options.Zone == nil {
		options.Zone = time.Local
	}
	if options.OnProgress == nil {
		options.OnProgress = func(Progress) {}
	}
	report, err := run(ctx, db, user, path, options)
	switch {
	case errors.Is(err, bizydb.ErrOutcomeUnknown):
		return report, fmt.Errorf("sqliteimport: %w", err)
	case err != nil:
		return Report{}, fmt.Errorf("sqliteimport: %w", err)
	}
	return report, nil
}

func run(ctx context.Context, db *bizydb.DB, user bizydb.UserID, path string, options Options) (Report, error) {
	i := &importer{Options: options, path: path, records: map[int64]int{}, report: Report{DryRun: options.DryRun, Zone: zoneName(options.Zone)}}
	defer func() {
		if i.file != nil {
			i.file.close()
		}
	}()
	var err error
	switch {
	case options.DryRun && user == 0:
		i.rules = i.rulesAt(time.Now())
		if err = i.open(ctx); err == nil {
			err = i.scan(ctx)
		}
	case options.DryRun:
		err = executor.Of(db.As(user)).InOneTx(ctx, pgx.ReadOnly, func(tx *executor.Session) error { return i.scanFor(ctx, tx) })
	default:
		err = executor.Of(db.As(user)).InOneTx(ctx, pgx.ReadWrite, func(tx *executor.Session) error {
			if err := i.scanFor(ctx, tx); err != nil {
				return err
			}
			return importsql.Import(ctx, i.queries, i.load)
		})
	}
	return i.report, err
}

// An importer is one import: it scans the file, and then reads it again and loads it.
type importer struct {
	Options
	*rules
	path         string
	file         *file // nil before open
	goals, tasks *table
	outline      outline
	records      map[int64]int      // those with rows that are in the file: how many each brought
	queries      *importsql.Queries // of the user's transaction, nil without one
	planner      *planner.Queries
	report       Report
}

func (i *importer) found(f Finding) { i.report.add(f, i.OnFinding) }

func (i *importer) rulesAt(now time.Time) *rules {
	upgraded := released
	if !i.UpgradedOn.IsZero() {
		year, month, day := i.UpgradedOn.Date()
		upgraded = time.Date(min(max(year, 1), 9999), month, day, 0, 0, 0, 0, time.UTC) // of which no time of a file is outside
	}
	return &rules{zone: i.Zone, now: now, upgraded: upgraded, strict: i.Strict, dropProjects: i.DropProjects}
}

// open opens the file. That is done late: a file that is not in WAL mode is locked against its writers from then on.
func (i *importer) open(ctx context.Context) error {
	var err error
	if i.file, err = openFile(ctx, i.path); err != nil {
		return err
	}
	return i.file.named(i.findTables(ctx))
}

func (i *importer) findTables(ctx context.Context) error {
	var otherColumns [2][]string
	var err error
	if i.goals, otherColumns[0], err = i.file.table(ctx, "goals", "goal", goalColumns); err != nil {
		return err
	}
	if i.tasks, otherColumns[1], err = i.file.table(ctx, "tasks", "task", taskColumns); err != nil {
		return err
	}
	if i.tasks.name == "" {
		return fmt.Errorf("%w: it has no table tasks", ErrNotPlanner)
	}
	leftBehind := func(table, column, name string) error {
		n, err := i.file.count(ctx, table, column)
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil: // of a kind that this SQLite does not know, or a view of what is not there
			n = -1
		case n == 0 && column != "":
			return nil
		}
		i.report.LeftBehind = append(i.report.LeftBehind, LeftBehind{Name: name, Rows: n})
		return nil
	}
	for _, r := range i.file.tables {
		if q := quoted(r.name); q != i.tasks.quoted && q != i.goals.quoted {
			if err := leftBehind(q, "", r.name); err != nil {
				return err
			}
		}
	}
	for k, t := range []*table{i.goals, i.tasks} {
		if i.DropProjects && t.name != "" && t.present[slices.Index(t.columns, "project_name")] {
			otherColumns[k] = append(otherColumns[k], "project_name")
		}
		for _, column := range otherColumns[k] {
			if err := leftBehind(t.quoted, column, t.name+"."+column); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(i.report.LeftBehind, func(a, b LeftBehind) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// scanFor opens and scans the file for a user.
func (i *importer) scanFor(ctx context.Context, tx planner.DBTX) error {
	i.queries, i.planner = importsql.New(tx), planner.New(tx)
	if _, err := i.planner.Me(ctx); errors.Is(err, bizydb.ErrNotFound) {
		return bizydb.ErrNoUser
	} else if err != nil {
		return err
	}
	now, err := i.queries.Now(ctx)
	if err != nil {
		return err
	}
	i.rules = i.rulesAt(now)
	if err := i.open(ctx); err != nil {
		return err
	}
	return i.scan(ctx)
}
