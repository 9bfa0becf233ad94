/* SPDX-License-Identifier: MIT
 *
 * What the kernel says of itself: uname(2), /proc/version, /proc/sys/kernel.
 */
#pragma once

#include "kernel/lib/base.h"

#define SYSTEM_NAME	"Linux"
#define SYSTEM_RELEASE	"6.1.0-heddle" /* the C libraries look at the number */
#define SYSTEM_VERSION	"#1 SMP PREEMPT Heddle"
#define SYSTEM_MACHINE	"x86_64"
#define SYSTEM_NODE_MAX 64

void system_hostname_get(char name[SYSTEM_NODE_MAX + 1]);
int system_hostname_set(const char *name, size_t length); /* -EINVAL: too long */
