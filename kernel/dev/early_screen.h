/* SPDX-License-Identifier: MIT */
#pragma once

/* The display draws from now on. */
void early_screen_end(void);
