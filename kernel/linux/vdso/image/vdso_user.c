/* SPDX-License-Identifier: MIT
 *
 * The code of the vDSO.  It runs in user mode, in every program: the C library calls it instead of
 * the system calls of the same names.  It reads the page [vvar], which lies below it, and never
 * writes.  What it cannot answer it asks the kernel.
 */
#include "arch/x86_64/cpu/clock_read.h"
#include "kernel/linux/vdso/vdso_data.h"

struct vdso_timespec {
	s64 seconds, fraction; /* ns; us in a timeval */
};

/* Placed by image/vdso.lds, one page below the image. */
extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct vdso_timespec *time);
int __vdso_gettimeofday(struct vdso_timespec *time, u32 *zone);
s64 __vdso_time(s64 *seconds);
int __vdso_clock_getres(int clock, struct vdso_timespec *resolution);
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused);

static inline s64 system_call(s64 number, u64 a, u64 b)
{
	s64 result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b)
			 : "rcx", "r11", "memory");
	return result;
}

/* The time-stamp counter.  RDTSC is not ordered with other instructions, and could run before an
 * earlier load.  After LFENCE it runs when all earlier instructions have completed (SDM 2B, RDTSC
 * and LFENCE).  So a thread that has seen what another thread stored after it read the clock reads
 * no earlier time than that thread. */
static inline u64 read_tsc(void)
{
	u32 low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
	return (u64)high << 32 | low;
}

/* Read a clock of VDSO_READABLE in ns.  Returns false if the kernel must be asked: the clock is not
 * the TSC, or the kernel is writing the page now.
 *
 * The reader of a seqlock.  Both loads of `sequence` enclose those of the other members: x86 does
 * not reorder loads (SDM 3A 8.2.2), and the acquire order keeps the compiler from it.  If the two
 * values are equal and even, no member changed in between.  Otherwise many seqlocks try again; this
 * one does not, because a system call is always right and takes a bounded time. */
static inline bool read_clock(u32 clock, u64 *ns)
{
	const struct vdso_data *d = &vdso_data;
	u32 sequence = __atomic_load_n(&d->sequence, __ATOMIC_ACQUIRE);
	u64 start = READ_ONCE(d->tsc_start), mult = READ_ONCE(d->mult);
	u64 offset = READ_ONCE(d->offset[clock]);

	if (sequence & 1)
		return false;
	*ns = offset + (u64)((unsigned __int128)(read_tsc() - start) * mult >> CLOCK_SHIFT);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return sequence == READ_ONCE(d->sequence);
}

static inline bool is_readable(int clock)
{
	return (u32)clock < VDSO_CLOCKS && VDSO_READABLE >> clock & 1;
}

int __vdso_clock_gettime(int clock, struct vdso_timespec *time)
{
	u64 ns;

	if (!is_readable(clock) || !read_clock((u32)clock, &ns))
		return (int)system_call(NR_clock_gettime, (u64)clock, (u64)time);
	time->seconds = (s64)(ns / NSEC_PER_SEC);
	time->fraction = (s64)(ns % NSEC_PER_SEC);
	return 0;
}

int __vdso_gettimeofday(struct vdso_timespec *time, u32 *zone)
{
	u64 ns;

	if (!read_clock(CLOCK_REALTIME, &ns))
		return (int)system_call(NR_gettimeofday, (u64)time, (u64)zone);
	if (time) {
		time->seconds = (s64)(ns / NSEC_PER_SEC);
		time->fraction = (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
	}
	if (zone)
		zone[0] = zone[1] = 0; /* minutes west of Greenwich, kind of summer time */
	return 0;
}

s64 __vdso_time(s64 *seconds)
{
	u64 ns;
	s64 now;

	if (!read_clock(CLOCK_REALTIME, &ns))
		return system_call(NR_time, (u64)seconds, 0);
	now = (s64)(ns / NSEC_PER_SEC);
	if (seconds)
		*seconds = now;
	return now;
}

int __vdso_clock_getres(int clock, struct vdso_timespec *resolution)
{
	if (!is_readable(clock))
		return (int)system_call(NR_clock_getres, (u64)clock, (u64)resolution);
	if (resolution)
		*resolution = (struct vdso_timespec){0, 1};
	return 0;
}

/* IA32_TSC_AUX holds the number of the CPU (vdso.c).  RDTSCP and RDPID read it in user mode (SDM
 * 2B).  There is one memory node, number 0. */
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	u64 number;
	u32 low, high;

	switch (READ_ONCE(vdso_data.getcpu)) {
	case VDSO_GETCPU_RDPID:
		__asm__ volatile("rdpid %0" : "=r"(number));
		break;
	case VDSO_GETCPU_RDTSCP:
		__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(number));
		break;
	default:
		return (int)system_call(NR_getcpu, (u64)cpu, (u64)node);
	}
	if (cpu)
		*cpu = (u32)number;
	if (node)
		*node = 0;
	return 0;
}
