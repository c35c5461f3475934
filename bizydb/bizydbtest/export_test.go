package bizydbtest

var (
	Keep  = keep
	Sweep = sweep
)
