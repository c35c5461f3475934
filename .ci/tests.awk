# Reads the output of go test -v. Prints a line for each package, what its tests skipped, and all output of one that
# fails. Appends "package test" to the files passed and skipped, and the lines of packages to results.
/^(=== |PASS$|testing: warning: no tests to run)/ { next }

/^ *--- (PASS|SKIP): / {
	split($3, path, "/")
	if ($2 == "SKIP:") skips[path[1]] = skips[path[1]] $3 " "
	else if ($0 ~ /^---/) passes[path[1]] = 1
	if ($2 == "PASS:") next
}

/^(ok|FAIL|\?) *\t/ || /\[no test files\]$/ {
	if ($1 == "FAIL") printf "%s", output
	for (test in passes) if (!(test in skips)) print $2, test >> passed
	for (test in skips) {
		print $2, test >> skipped
		print "skipped: " skips[test]
	}
	if ($0 !~ /\[no test files\]$/) {
		print
		print >> results
	}
	fflush()
	output = ""
	split("", passes)
	split("", skips)
	next
}

{ output = output $0 "\n" }

END { printf "%s", output }
