/* SPDX-License-Identifier: MIT
 *
 * Error numbers of the Linux x86-64 ABI that only extensions return.
 */
#pragma once

#include "kernel/lib/errno.h"

#define EXDEV		18
#define ENFILE		23
#define EDOM		33
#define EDEADLK		35
#define ENOLCK		37
#define ENOMSG		42
#define EIDRM		43
#define ENOTSOCK	88
#define EMSGSIZE	90
#define EPROTOTYPE	91
#define ENOPROTOOPT	92
#define EPROTONOSUPPORT 93
#define ESOCKTNOSUPPORT 94
#define EOPNOTSUPP	95
#define EAFNOSUPPORT	97
#define EADDRINUSE	98
#define ECONNRESET	104
#define ENOBUFS		105
#define EISCONN		106
#define ENOTCONN	107
#define ETOOMANYREFS	109
#define ECONNREFUSED	111
#define EALREADY	114
#define ECANCELED    125
#define EOWNERDEAD	130
