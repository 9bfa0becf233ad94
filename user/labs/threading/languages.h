/* SPDX-License-Identifier: MIT */
#pragma once

/* Traces three threads of POSIX (posix() makes them), of Python and of Java, if these are here, and
 * makes evidence and checks of their calls of clone and futex. */
void trace_languages(void (*posix)(void), int threads);
