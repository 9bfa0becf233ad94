/* SPDX-License-Identifier: MIT
 *
 * An orderly end of the machine that a person has asked for without a shell: by the power button.
 */
#pragma once

#include "kernel/lib/base.h"

/* Switch the machine off: init is asked to (SIGUSR2, as BusyBox's poweroff sends it), and after 10
 * s, or if init does not know that signal, the kernel ends all programs itself.  A second request
 * switches off at once and does not return.  `cause`: a constant text, "power button".  Any
 * context. */
void shutdown_request(const char *cause);
