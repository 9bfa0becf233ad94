#!/bin/sh
# SPDX-License-Identifier: MIT
# A JVM: threads, locks, a heap that is collected meanwhile, by each of four collectors.
cd /root || exit 1
java -version 2>&1 | grep -o 'openjdk version "17'
for collector in Serial Parallel G1 Shenandoah; do
	echo "--- $collector"
	timeout 100 java -Xmx96m -XX:+Use${collector}GC Threads
	echo "status $?"
done
java -Xint -Xmx64m Threads | head -n 2
java Nothing 2>&1 | head -n 1
java -Xmx64m Sleeper &
while [ ! -e /tmp/ready ]; do sleep 0.1; done
kill $!; wait $!; echo "ended $?"
