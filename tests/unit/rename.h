/* SPDX-License-Identifier: MIT
 *
 * Included ahead of every file of a host test (host-flags: -include): gives the kernel's functions
 * whose names are libc's names of their own, after libc's headers have been read.  A test reaches
 * libc's through libc_*.
 */
#pragma once

#define _GNU_SOURCE
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static void *(*const libc_memset)(void *, int, size_t) __attribute__((unused)) = memset;
static void *(*const libc_memmove)(void *, const void *, size_t) __attribute__((unused)) = memmove;
static int (*const libc_memcmp)(const void *, const void *, size_t)
    __attribute__((unused)) = memcmp;
static int (*const libc_strcmp)(const char *, const char *) __attribute__((unused)) = strcmp;
static int (*const libc_vsnprintf)(char *, size_t, const char *, va_list)
    __attribute__((unused)) = vsnprintf;

#define memcpy	  heddle_memcpy
#define memmove	  heddle_memmove
#define memset	  heddle_memset
#define memcmp	  heddle_memcmp
#define memchr	  heddle_memchr
#define strlen	  heddle_strlen
#define strnlen	  heddle_strnlen
#define strcmp	  heddle_strcmp
#define strncmp	  heddle_strncmp
#define strchr	  heddle_strchr
#define strrchr	  heddle_strrchr
#define snprintf  heddle_snprintf
#define vsnprintf heddle_vsnprintf
#define clock	  heddle_clock
