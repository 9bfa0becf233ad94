#!/bin/sh
# SPDX-License-Identifier: MIT
# hackbench: messages between many senders and receivers; and short runs of tests for real time.
h() { echo "hackbench $*"; timeout 100 hackbench "$@" | sed 's/^Time: .*/done/'; }
h -g 2 -f 5 -l 100 -s 100
h -g 2 -f 5 -l 100 -T
h -g 2 -f 5 -l 100 -p
h -g 2 -f 5 -l 100 -p -T
h -g 1 -f 20 -l 50 -s 4096 --process
for t in 'cyclictest -q -l 50 -t 2' 'ptsematest -q -l 50 -t 2' 'signaltest -q -l 50 -t 2'; do
	timeout 60 $t > /tmp/out 2>&1
	echo "${t%% *} $?"
done
