# Reads the output of go test -v. Prints a line for each package, what its tests skipped and why, and all output of one
# that fails. Appends "package test" to the files passed and skipped, and the lines of packages to results.
# Fails for a package in which no test has the name that was asked for.

# Whose output follows. Kept only if there is any.
/^=== / { whose = $0 "\n"; next }

/^PASS$|^testing: warning: no tests to run$/ { next }

/^ *--- (PASS|SKIP): / {
	split($3, path, "/")
	if ($2 == "SKIP:") skips[path[1]] = skips[path[1]] "skipped: " $3 " " reason "\n"
	else if ($0 ~ /^---/) passes[path[1]] = 1
	next
}

/^(ok|FAIL|\?) *\t/ || /\[no test files\]$/ {
	if ($1 == "FAIL") printf "%s", output
	for (test in passes) if (!(test in skips)) print $2, test >> passed
	for (test in skips) {
		print $2, test >> skipped
		printf "%s", skips[test]
	}
	if ($0 !~ /\[no test files\]$/) {
		print
		print >> results
	}
	if ($0 ~ /\[no tests to run\]$/) status = 1
	fflush()
	output = whose = reason = ""
	split("", passes)
	split("", skips)
	next
}

{
	reason = $0
	sub(/^ */, "", reason)
	output = output whose $0 "\n"
	whose = ""
}

END {
	printf "%s", output
	exit status
}
