#!/bin/sh
# SPDX-License-Identifier: MIT
# Goroutines on as many threads as there are CPUs, on one, and on eight.
cd /root || exit 1
for threads in "" 1 8; do
	echo "--- ${threads:-as many as CPUs}"
	GOMAXPROCS=$threads timeout 60 ./goroutines 2>&1 | head -n 20
done
