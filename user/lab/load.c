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
static uint64_t fastest = UINT64_MAX;

/* Returns the per cent of the CPU time that this thread did not get. */
static double lost_here(void)
{
	uint64_t rounds = lab_spin_rounds(PIECE_NS), start = lab_now_ns(), last = start, now;
	uint64_t pieces = 0;

	do {
		lab_spin(rounds);
		now = lab_now_ns();
		if (now - last < __atomic_load_n(&fastest, __ATOMIC_RELAXED))
			__atomic_store_n(&fastest, now - last, __ATOMIC_RELAXED);
		last = now;
		pieces++;
	} while (now - start < LOOK_NS);
	return 100 - 100.0 * pieces * fastest / (now - start);
}

void load_look(void)
{
	double lost = lost_here();

	worst = lost > worst ? lost : worst;
}

void lab_load_look(void)
{
	report.timed++;
	load_look();
}

static pthread_barrier_t both_here;

static void *look_from_second(void *lost)
{
	lab_pin(1);
	pthread_barrier_wait(&both_here);
	*(double *)lost = lost_here();
	return NULL;
}

void lab_load_look_two(void)
{
	double lost, second;
	pthread_t thread;

	report.timed++;
	if (lab_options.cpus < 2) {
		lab_load_look();
		return;
	}
	lab_spin_rounds(1); /* measures the speed now, not in both threads */
	pthread_barrier_init(&both_here, NULL, 2);
	if (pthread_create(&thread, NULL, look_from_second, &second) != 0)
		lab_die("pthread_create failed");
	lab_pin(0);
	pthread_barrier_wait(&both_here);
	lost = lost_here();
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&both_here);
	lab_pin(-1);
	lost = (lost + second) / 2;
	worst = lost > worst ? lost : worst;
}

double lab_load(void)
{
	if (worst < 0)
		load_look();
	return worst;
}
