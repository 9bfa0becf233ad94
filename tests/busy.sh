#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# make test-busy: all tests, RUNS times in a row (3), each beside LOOPS busy loops (8) in a session of
# their own, as the work of another user would be.  Logs and durations stand in build/busy/.  The end
# names what failed in each run; the status tells whether all passed.
set -uo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-3} loops=${LOOPS:-8} out=${BUILD:-build}/busy status=0
mkdir -p "$out"
rm -f "$out"/*

make all || exit
for ((run = 1; run <= runs; run++)); do
	setsid bash -c 'for ((i = 0; i < $0; i++)); do while :; do :; done & done; wait' "$loops" &
	group=$!
	trap 'kill -- -$group' EXIT
	start=$SECONDS
	make -s test TESTFLAGS="-vv --junitxml=$out/$run.xml ${TESTFLAGS:-}" >"$out/$run.log" 2>&1 || status=1
	load=$(cut -d' ' -f1-3 /proc/loadavg)
	kill -- -$group
	trap - EXIT
	wait 2>/dev/null
	grep -a '^FAILED' "$out/$run.log"
	echo "run $run of $runs beside $loops busy loops: $((SECONDS - start)) s, load $load:" \
	     "$(tail -n 3 "$out/$run.log" | grep -ao '[0-9]* .*\(passed\|failed\).* in ' | sed 's/ in $//')"
done
exit $status
