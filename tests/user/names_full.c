/* SPDX-License-Identifier: MIT
 *
 * Names and inodes may take a part of the memory only: then there is no space for a further file,
 * but whatever frees memory, and a new process, still works.  On Linux, whose limit would take too
 * long to reach, a few names are made.
 */
#include <sys/statfs.h>
#include <sys/sysinfo.h>

#include "check.h"

static char target[4000];
static int most = 1000;

static const char *name_of(int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "n%d", i);
	return name;
}

/* Make names by make(i) until there is no space; the number made. */
static int make_many(int (*make)(int i))
{
	for (int i = 0; i < most; i++)
		if (make(i) < 0) {
			CHECK_EQ(errno, ENOSPC);
			return i;
		}
	CHECK_EQ(most, 1000); /* elsewhere there must be a limit */
	return most;
}

static int make_link(int i)
{
	return symlink(target, name_of(i));
}

static int make_directory(int i)
{
	return mkdir(name_of(i), 0700);
}

static void full(int (*make)(int i), int (*take)(const char *name))
{
	int made = make_many(make), fd;
	struct statfs s;

	CHECK(made > 100);
	CHECK_EQ(statfs(".", &s), 0);
	CHECK(made == most || s.f_ffree < 200);
	CHECK_EQ(rename(name_of(1), "renamed"), 0); /* a new name for an old one */
	CHECK_EQ(rename("renamed", name_of(1)), 0);
	CHECK_EQ(IN_CHILD(_exit(3)), 3 << 8);
	CHECK_EQ(IN_CHILD(free(memset(malloc(1 << 20), 1, 1 << 20))), 0);
	fd = MUST(open("/dev/null", O_RDWR));
	close(fd);
	while (made--)
		if (!CHECK_EQ(take(name_of(made)), 0))
			break;
	fd = MUST(open("new", O_CREAT | O_WRONLY, 0600));
	close(fd);
	CHECK_EQ(unlink("new"), 0);
	CHECK_EQ(statfs(".", &s), 0);
	CHECK(s.f_ffree > 100);
}

/* It takes long to fill a large memory: tests/system/test_user.py has a small one, too. */
static bool is_quick(void)
{
	struct sysinfo s;

	return most == 1000 || (sysinfo(&s) == 0 && s.totalram * s.mem_unit < 160 << 20);
}

static void symbolic_links(void)
{
	if (!is_quick())
		return;
	full(make_link, unlink);
}

static void directories(void)
{
	if (!is_quick())
		return;
	full(make_directory, rmdir);
}

int main(void)
{
	check_start_in_directory();
	memset(target, 't', sizeof(target) - 1);
	if (access("/proc/heddle", F_OK) == 0)
		most = 1000000;
	RUN(symbolic_links);
	RUN(directories);
	return check_end();
}
