/* SPDX-License-Identifier: MIT
 *
 * How much of the CPU time that a lab wants is taken by others: by other programs of this system,
 * or by the host below a virtual machine.  The scheduler of a guest cannot see the second; a thread
 * that computes can.  It does the same piece of work again and again: the fastest piece is the
 * speed of an undisturbed CPU, and every other nanosecond was lost.
 */
#include "internal.h"

#define LOOK_NS	 (30 * 1000 * 1000) /* longer than the turns of most schedulers */
#define PIECE_NS 50000

static double worst = -1;

void lab_load_look(void)
{
	static uint64_t fastest = UINT64_MAX;
	uint64_t rounds = lab_spin_rounds(PIECE_NS), start = lab_now_ns(), last = start, now;
	uint64_t pieces = 0;
	double lost;

	do {
		lab_spin(rounds);
		now = lab_now_ns();
		if (now - last < fastest)
			fastest = now - last;
		last = now;
		pieces++;
	} while (now - start < LOOK_NS);
	lost = 100 - 100.0 * pieces * fastest / (now - start);
	worst = lost > worst ? lost : worst;
}

double lab_load(void)
{
	if (worst < 0)
		lab_load_look();
	return worst;
}
