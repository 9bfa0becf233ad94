/* SPDX-License-Identifier: MIT
 *
 * Files of /proc, and names in a large directory.
 */
#include "user/bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGIONS 100
#define NAMES	4000

/* Open, read and close a file. */
static int64_t read_whole(const char *path, long n)
{
	static char text[65536];
	int64_t start = now();

	while (n--) {
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			die(path);
		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
	}
	return now() - start;
}

int64_t proc_stat(long n)
{
	return read_whole("/proc/self/stat", n);
}

/* The map of a process with 100 regions more, which cannot be joined. */
int64_t proc_maps(long n)
{
	char *pages = mmap(NULL, REGIONS * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t ns;

	if (pages == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < REGIONS; i += 2)
		if (mprotect(pages + i * PAGE, PAGE, PROT_NONE) < 0)
			die("mprotect");
	ns = read_whole("/proc/self/maps", n);
	munmap(pages, REGIONS * PAGE);
	return ns;
}

static char *file_name(long i)
{
	static char name[64];

	snprintf(name, sizeof(name), "/tmp/bench/file%ld", i);
	return name;
}

static void directory_fill(void)
{
	if (mkdir("/tmp/bench", 0700) < 0)
		die("/tmp/bench");
	for (int i = 0; i < NAMES; i++) {
		int fd = open(file_name(i), O_WRONLY | O_CREAT, 0600);

		if (fd < 0)
			die("/tmp/bench");
		close(fd);
	}
}

static void directory_clear(void)
{
	for (int i = 0; i < NAMES; i++)
		if (unlink(file_name(i)) < 0)
			die("unlink");
	if (rmdir("/tmp/bench") < 0)
		die("rmdir");
}

/* Another name each time, so that neither kernel finds all of them in a cache. */
int64_t dir_stat(long n)
{
	struct stat s;
	int64_t start, end;

	directory_fill();
	start = now();
	for (long i = 0; i < n; i++)
		if (stat(file_name(i * 7 % NAMES), &s) < 0)
			die("stat");
	end = now();
	directory_clear();
	return end - start;
}

int64_t dir_rename(long n)
{
	int64_t start, end;

	directory_fill();
	start = now();
	for (long i = 0; i < n; i++) {
		const char *name = file_name(i * 7 % NAMES);

		if (rename(name, "/tmp/bench/other") < 0 || rename("/tmp/bench/other", name) < 0)
			die("rename");
	}
	end = now();
	directory_clear();
	return (end - start) / 2;
}
