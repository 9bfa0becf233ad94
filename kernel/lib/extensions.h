/* SPDX-License-Identifier: MIT
 *
 * Which extensions are built (docs/extensions.md).  The Makefile defines each of these constants as
 * 1 if the extension's folder is built.  They are used as ordinary conditions, never in #if, so the
 * compiler checks the code of a probe in every build and drops it if the constant is 0.
 */
#pragma once

#ifndef WITH_TRACE
#define WITH_TRACE 0
#endif

#ifndef WITH_SCHED
#define WITH_SCHED 0
#endif

#ifndef WITH_PROCESS
#define WITH_PROCESS 0
#endif

#ifndef WITH_SEED
#define WITH_SEED 0
#endif

#ifndef WITH_LOCKDEP
#define WITH_LOCKDEP 0
#endif

#ifndef WITH_PANIC
#define WITH_PANIC 0
#endif

#ifndef WITH_RIGHTS
#define WITH_RIGHTS 0
#endif

#ifndef WITH_DEV
#define WITH_DEV 0
#endif
