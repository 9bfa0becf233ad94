/* SPDX-License-Identifier: MIT */
#pragma once

/* Runs the real CPython and the real JVM, if they are here, and makes evidence, figures and checks
 * of what they print. */
void run_interpreters(void);
