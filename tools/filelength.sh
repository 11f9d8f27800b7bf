#!/bin/sh
# Fails if a Go file is longer than a reader holds in mind. Tests may be longer,
# and generated files are not read. Run it from the root of the repository.
set -eu

limit=300

find . -name '*.go' ! -name '*_test.go' ! -path './bin/*' ! -path './.cache/*' \
	-exec awk -v limit="$limit" '
		function report() {
			if (lines > limit && !generated) {
				printf "%s: %d lines, at most %d: give one of its concepts a file of its own\n", file, lines, limit
				failed = 1
			}
		}
		FNR == 1 { report(); file = FILENAME; generated = 0 }
		{ lines = FNR }
		/^\/\/ Code generated .* DO NOT EDIT\.$/ { generated = 1 }
		END { report(); exit failed }
	' {} +
