#!/bin/sh
# SPDX-License-Identifier: MIT
# CPython: threads, processes, and one thread that waits for many things.
cd /tests/guest || exit 1
python3 -V
for program in threads processes events system; do
	echo "--- $program"
	timeout 100 python3 python/$program.py
	echo "status $?"
done
