/* SPDX-License-Identifier: MIT
 *
 * The limits that only extensions hold; kernel/lib/abi.h has the others.
 */
#pragma once

#define RLIMIT_CPU    0	 /* seconds */
#define RLIMIT_MSGQUEUE 12 /* bytes in POSIX message queues of one user */
#define RLIMIT_NICE   13 /* 20 - the lowest nice value */
#define RLIMIT_RTPRIO 14 /* the highest real-time priority */
