#!/bin/sh
# SPDX-License-Identifier: MIT
# Perl: processes, threads, signals, locks, System V IPC.
timeout 100 perl /tests/guest/perl.pl
echo "status $?"
