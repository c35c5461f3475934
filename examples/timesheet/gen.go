package main

//go:generate go tool bizydb-sqlc -out db/bizydb
//go:generate go tool -modfile=../../tools/go.mod sqlc generate
