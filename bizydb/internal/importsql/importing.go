package importsql

import "context"

// Import runs load, which triggers can see to be an import. If it fails the transaction is lost, and the setting with it.
func Import(ctx context.Context, q *Queries, load func(context.Context) error) error {
	if err := q.BeginImport(ctx); err != nil {
		return err
	}
	if err := load(ctx); err != nil {
		return err
	}
	return q.EndImport(ctx)
}
