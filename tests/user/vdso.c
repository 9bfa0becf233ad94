/* SPDX-License-Identifier: MIT
 *
 * The vDSO: it is found as the C library finds it, says the same as the system calls, never runs
 * backwards, follows clock_settime(), and a program may unmap it.
 */
#include <elf.h>
#include <sched.h>
#include <sys/time.h>

#include "check.h"

#define SECOND	 1000000000L
#define STEP	 (61 * SECOND) /* by which the clock is set */
#define PATIENCE (20 * SECOND) /* the longest pause between two calls of one thread */
#define THREADS	 4
#define ROUNDS	 20000
#define SETTINGS 200

static int (*vdso_gettime)(clockid_t clock, struct timespec *time);
static int (*vdso_timeofday)(struct timeval *time, void *zone);
static time_t (*vdso_time)(time_t *seconds);
static int (*vdso_getres)(clockid_t clock, struct timespec *resolution);
static int (*vdso_getcpu)(unsigned *cpu, unsigned *node, void *unused);

static const clockid_t clocks[] = {
    CLOCK_REALTIME,	    CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,  CLOCK_TAI,
};

static const char *vdso_base(void)
{
	return (const char *)getauxval(AT_SYSINFO_EHDR);
}

/* The dynamic section's value for a tag, as an address. */
static const char *dynamic(const Elf64_Ehdr *header, Elf64_Sxword tag)
{
	const char *base = (const char *)header;
	const Elf64_Phdr *p = (const void *)(base + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++)
		if (p[i].p_type == PT_DYNAMIC)
			for (const Elf64_Dyn *d = (const void *)(base + p[i].p_offset); d->d_tag;
			     d++)
				if (d->d_tag == tag)
					return base + d->d_un.d_ptr;
	return NULL;
}

/* A function of the vDSO with the version LINUX_2.6.  In a vDSO the names follow the symbols. */
static void *vdso_symbol(const char *name)
{
	const Elf64_Ehdr *header = (const void *)vdso_base();
	const char *names = dynamic(header, DT_STRTAB);
	const Elf64_Sym *symbols = (const void *)dynamic(header, DT_SYMTAB);
	const Elf64_Half *versions = (const void *)dynamic(header, DT_VERSYM);
	const Elf64_Verdef *v = (const void *)dynamic(header, DT_VERDEF);

	for (const Elf64_Sym *s = symbols; (const char *)s + sizeof(*s) <= names; s++) {
		const Elf64_Verdef *d = v;
		const Elf64_Verdaux *aux;

		if (strcmp(names + s->st_name, name) || !s->st_shndx)
			continue;
		while (d->vd_ndx != (versions[s - symbols] & 0x7fff))
			d = (const void *)((const char *)d + d->vd_next);
		aux = (const void *)((const char *)d + d->vd_aux);
		if (strcmp(names + aux->vda_name, "LINUX_2.6") == 0)
			return (void *)(uintptr_t)(vdso_base() + s->st_value);
	}
	return NULL;
}

static void symbols(void)
{
	if (!CHECK(vdso_base() != NULL) || !CHECK(memcmp(vdso_base(), "\177ELF", 4) == 0))
		exit(1);
	vdso_gettime = vdso_symbol("__vdso_clock_gettime");
	vdso_timeofday = vdso_symbol("__vdso_gettimeofday");
	vdso_time = vdso_symbol("__vdso_time");
	vdso_getres = vdso_symbol("__vdso_clock_getres");
	vdso_getcpu = vdso_symbol("__vdso_getcpu");
	if (!CHECK(vdso_gettime && vdso_timeofday && vdso_time && vdso_getres && vdso_getcpu))
		exit(1);
	CHECK(vdso_symbol("__vdso_nothing") == NULL);
}

static long ns_of(struct timespec t)
{
	CHECK(t.tv_nsec >= 0 && t.tv_nsec < SECOND);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static long by_call(clockid_t clock)
{
	struct timespec t;

	MUST(syscall(SYS_clock_gettime, clock, &t));
	return ns_of(t);
}

static long by_vdso(clockid_t clock)
{
	struct timespec t;

	CHECK_EQ(vdso_gettime(clock, &t), 0);
	return ns_of(t);
}

/* Each reading lies between a call before it and one after it. */
static void agrees(void)
{
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < COUNT_OF(clocks); i++) {
			long before = by_call(clocks[i]), now = by_vdso(clocks[i]);
			long after = by_call(clocks[i]);

			CHECK(before <= now && now <= after);
		}
	}
}

static void other_clocks(void)
{
	struct timespec t;

	CHECK_EQ(vdso_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	CHECK(ns_of(t) <= by_call(CLOCK_PROCESS_CPUTIME_ID));
	CHECK_EQ(vdso_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	CHECK(ns_of(t) <= by_call(CLOCK_THREAD_CPUTIME_ID));
	CHECK_EQ(vdso_gettime(-1, &t), -EINVAL);
	CHECK_EQ(vdso_gettime(10, &t), -EINVAL);
	CHECK_EQ(vdso_gettime(32, &t), -EINVAL);
	CHECK_EQ(vdso_gettime(4711, &t), -EINVAL);
	CHECK_EQ(vdso_gettime(CLOCK_PROCESS_CPUTIME_ID, BAD), -EFAULT);
	CHECK_EQ(vdso_getres(4711, &t), -EINVAL);
}

static void times_of_day(void)
{
	struct {
		int west, summer;
	} zone = {1, 1};

	for (int round = 0; round < 300; round++) {
		long before = by_call(CLOCK_REALTIME) / 1000, seconds = syscall(SYS_time, NULL);
		struct timeval t;
		time_t now, stored;

		CHECK_EQ(vdso_timeofday(&t, NULL), 0);
		CHECK(t.tv_usec >= 0 && t.tv_usec < 1000000);
		CHECK(before <= t.tv_sec * 1000000 + t.tv_usec);
		CHECK(t.tv_sec * 1000000 + t.tv_usec <= by_call(CLOCK_REALTIME) / 1000);
		now = vdso_time(&stored);
		CHECK_EQ(now, stored);
		CHECK(seconds <= now && now <= syscall(SYS_time, NULL));
		CHECK(vdso_time(NULL) >= now);
	}
	CHECK_EQ(vdso_timeofday(NULL, &zone), 0);
	CHECK(zone.west == 0 && zone.summer == 0);
	CHECK_EQ(vdso_timeofday(NULL, NULL), 0);
}

static void resolutions(void)
{
	for (size_t i = 0; i < COUNT_OF(clocks); i++) {
		struct timespec a, b;

		CHECK_EQ(vdso_getres(clocks[i], &a), 0);
		MUST(syscall(SYS_clock_getres, clocks[i], &b));
		CHECK_EQ(ns_of(a), ns_of(b));
		CHECK_EQ(vdso_getres(clocks[i], NULL), 0);
	}
}

/* Move the calling thread to the n-th of the CPUs that it may use; which CPU that is. */
static int pin(int n, const cpu_set_t *allowed)
{
	int count = CPU_COUNT(allowed), cpu = 0;
	cpu_set_t one;

	n %= count;
	while (!CPU_ISSET(cpu, allowed) || n--)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	MUST(sched_setaffinity(0, sizeof(one), &one));
	return cpu;
}

static void cpu_numbers(void)
{
	cpu_set_t allowed;
	unsigned cpu, node = 77;

	MUST(sched_getaffinity(0, sizeof(allowed), &allowed));
	for (int i = 0; i < CPU_COUNT(&allowed); i++) {
		unsigned wanted = (unsigned)pin(i, &allowed);

		CHECK_EQ(vdso_getcpu(&cpu, &node, NULL), 0);
		CHECK_EQ(cpu, wanted);
		CHECK(node != 77);
		CHECK_EQ(vdso_getcpu(NULL, NULL, NULL), 0);
	}
	MUST(sched_setaffinity(0, sizeof(allowed), &allowed));
}

/* --- Several CPUs ----------------------------------------------------------------------------- */

static _Atomic long latest[2]; /* of CLOCK_MONOTONIC and CLOCK_BOOTTIME: the latest that was read */
static cpu_set_t cpus;

/* A thread that knows what another has read reads nothing earlier, by the vDSO or by a call. */
static void *race(void *number)
{
	long n = (long)number;

	pin((int)n, &cpus);
	for (int i = 0; i < ROUNDS; i++) {
		int which = i & 1;
		clockid_t clock = which ? CLOCK_BOOTTIME : CLOCK_MONOTONIC;
		long known = atomic_load(&latest[which]);
		long now = i % 16 == n ? by_call(clock) : by_vdso(clock);

		if (!CHECK(known <= now))
			break;
		while (known < now && !atomic_compare_exchange_weak(&latest[which], &known, now))
			;
	}
	return NULL;
}

static void never_backwards(void)
{
	pthread_t threads[THREADS];

	MUST(sched_getaffinity(0, sizeof(cpus), &cpus));
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, race, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static _Atomic int ended;
static long usual; /* CLOCK_REALTIME minus CLOCK_MONOTONIC, before a test sets the clock */

/* Each reading is of one of the two settings. */
static void *read_while_set(void *number)
{
	pin((int)(long)number, &cpus);
	while (!ended) {
		long before = by_vdso(CLOCK_MONOTONIC), now = by_vdso(CLOCK_REALTIME) - usual;
		long after = by_vdso(CLOCK_MONOTONIC);
		bool low = before - PATIENCE <= now && now <= after + SECOND;
		bool high = before + STEP - PATIENCE <= now && now <= after + STEP + SECOND;

		if (!CHECK(low || high))
			break;
	}
	return NULL;
}

static void set_to(long ns)
{
	struct timespec t = {ns / SECOND, ns % SECOND};

	MUST(clock_settime(CLOCK_REALTIME, &t));
}

/* What was set is what the same thread reads next, by the vDSO and by the call. */
static void follows_settings(void)
{
	pthread_t threads[THREADS - 1];

	if (!may_set_clock())
		return;
	ended = 0;
	MUST(sched_getaffinity(0, sizeof(cpus), &cpus));
	usual = by_call(CLOCK_REALTIME) - by_call(CLOCK_MONOTONIC);
	for (long i = 0; i < THREADS - 1; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, read_while_set, (void *)i), 0);
	for (int i = 0; i < SETTINGS; i++) {
		long wanted = by_vdso(CLOCK_MONOTONIC) + usual + (i & 1 ? 0 : STEP), now, call;

		set_to(wanted);
		now = by_vdso(CLOCK_REALTIME);
		call = by_call(CLOCK_REALTIME);
		CHECK(wanted <= now && now <= call && call < wanted + PATIENCE);
	}
	ended = 1;
	for (int i = 0; i < THREADS - 1; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	set_to(by_vdso(CLOCK_MONOTONIC) + usual);
}

/* --- As memory -------------------------------------------------------------------------------- */

struct range {
	char *start;
	size_t length;
};

static struct range range_of(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	struct range r = {NULL, 0};
	char line[512], mode[8];
	unsigned long from, to;

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, name) && sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3) {
			CHECK(mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p');
			r = (struct range){(char *)from, to - from};
		}
	if (maps)
		fclose(maps);
	return r;
}

static void in_maps(void)
{
	struct range code = range_of("[vdso]"), data = range_of("[vvar]");

	CHECK(code.start == vdso_base());
	CHECK(code.length >= (size_t)PAGE && data.length >= (size_t)PAGE);
}

static void in_children(void)
{
	long before = by_call(CLOCK_MONOTONIC);
	char *argv[] = {(char *)self_path(), "child", NULL};

	CHECK_EQ(IN_CHILD(CHECK(by_vdso(CLOCK_MONOTONIC) >= before)), 0);
	CHECK_EQ(IN_CHILD(execv(argv[0], argv)), EXITED(7));
}

static void not_writable(void)
{
	struct range data = range_of("[vvar]");

	CHECK_EQ(IN_CHILD(*(volatile char *)(uintptr_t)vdso_base() = 0), KILLED(SIGSEGV));
	CHECK_EQ(IN_CHILD(*(volatile char *)data.start = 0), KILLED(SIGSEGV));
	CHECK_ERR(mprotect(data.start, (size_t)PAGE, PROT_READ | PROT_WRITE), EACCES);
}

/* A debugger that sets a breakpoint gets a copy for that process alone. */
static void patched_in_one(void)
{
	char byte = 0x5a, old = vdso_base()[9];

	CHECK_EQ(IN_CHILD({
			 int fd = (int)MUST(open("/proc/self/mem", O_RDWR));

			 CHECK_EQ(pwrite(fd, &byte, 1, (off_t)(uintptr_t)vdso_base() + 9), 1);
			 CHECK_EQ(vdso_base()[9], byte);
		 }),
		 0);
	CHECK_EQ(vdso_base()[9], old);
}

/* What a program does with its own mappings harms it alone. */
static void goes_away(void)
{
	struct range code = range_of("[vdso]"), data = range_of("[vvar]");
	long before = by_call(CLOCK_MONOTONIC);

	CHECK_EQ(IN_CHILD({
			 MUST(munmap(data.start, data.length));
			 MUST(munmap(code.start, code.length));
			 CHECK_EQ(IN_CHILD(CHECK(by_call(CLOCK_MONOTONIC) >= before)), 0);
		 }),
		 0);
	CHECK_EQ(IN_CHILD({
			 MUST(munmap(data.start, data.length));
			 (void)vdso_gettime(CLOCK_MONOTONIC, &(struct timespec){0});
		 }),
		 KILLED(SIGSEGV));
	CHECK_EQ(IN_CHILD({
			 char *to = mremap(code.start, code.length, code.length, MREMAP_MAYMOVE);

			 if (CHECK(to != MAP_FAILED))
				 CHECK(memcmp(to, "\177ELF", 4) == 0);
			 CHECK_EQ(IN_CHILD(CHECK(memcmp(to, "\177ELF", 4) == 0)), 0);
			 MUST(mprotect(to, code.length, PROT_NONE));
			 CHECK_EQ(IN_CHILD(_exit(0)), 0);
		 }),
		 0);
	CHECK_ERR(madvise(data.start, data.length, MADV_DONTNEED), EINVAL);
	CHECK(by_vdso(CLOCK_MONOTONIC) >= before);
}

int main(int argc, char **argv __attribute__((unused)))
{
	check_start();
	if (argc > 1) { /* in_children() */
		symbols();
		return by_vdso(CLOCK_MONOTONIC) <= by_call(CLOCK_MONOTONIC) ? 7 : 1;
	}
	RUN(symbols);
	RUN(agrees);
	RUN(other_clocks);
	RUN(times_of_day);
	RUN(resolutions);
	RUN(cpu_numbers);
	RUN(never_backwards);
	RUN(follows_settings);
	RUN(in_maps);
	RUN(in_children);
	RUN(not_writable);
	RUN(patched_in_one);
	RUN(goes_away);
	return check_end();
}
