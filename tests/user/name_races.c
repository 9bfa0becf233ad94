/* SPDX-License-Identifier: MIT
 *
 * Names under contention: processes make, rename, exchange, link, remove, list and look up the same
 * few names in the same few directories; others walk /proc while processes come and go.  Calls may
 * fail as the moment has it, but the tree must be whole in the end.
 */
#include <dirent.h>

#include "check.h"

#define WORKERS	 4
#define NAMES	 6
#define ROUNDS	 3000
#define EXCHANGE 2

static unsigned state;

static unsigned any(unsigned n)
{
	state = state * 1103515245 + 12345;
	return (state >> 16) % n;
}

/* "N" or "N/N" or "N/N/N". */
static void pick(char path[32])
{
	int parts = 1 + (int)any(3);

	*path = '\0';
	for (int i = 0; i < parts; i++)
		sprintf(path + strlen(path), "%s%u", i ? "/" : "", any(NAMES));
}

static void list(const char *path)
{
	DIR *d = opendir(path);

	while (d && readdir(d))
		;
	if (d)
		closedir(d);
}

static void one_call(void)
{
	char a[32], b[32], c[4096];
	struct stat s;
	int fd;

	pick(a);
	pick(b);
	switch (any(10)) {
	case 0:
	case 1:
		mkdir(a, 0755);
		break;
	case 2:
		fd = open(a, O_RDWR | O_CREAT, 0644);
		if (fd >= 0) {
			write(fd, a, sizeof(a));
			close(fd);
		}
		break;
	case 3:
		rename(a, b);
		break;
	case 4:
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, EXCHANGE);
		break;
	case 5:
		link(a, b);
		break;
	case 6:
		unlink(a);
		break;
	case 7:
		rmdir(a);
		break;
	case 8:
		list(a);
		symlink(a, b);
		break;
	default: /* inside a directory that may be gone or elsewhere the next moment */
		fd = open(a, O_RDONLY | O_DIRECTORY);
		if (fd >= 0 && fchdir(fd) == 0) {
			syscall(SYS_getcwd, c, sizeof(c));
			stat("../..", &s);
			if (chdir(check_directory) < 0)
				_exit(2);
		}
		close(fd);
	}
}

/* All that is there, by number of links of directories, too; returns how many are removed. */
static int remove_all(const char *path)
{
	char name[4096];
	struct dirent *e;
	struct stat s;
	int removed = 0, directories = 0;
	DIR *d = opendir(path);

	CHECK(d != NULL);
	CHECK_EQ(stat(path, &s), 0);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		directories += e->d_type == DT_DIR;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR)
			removed += remove_all(name);
		CHECK_EQ(e->d_type == DT_DIR ? rmdir(name) : unlink(name), 0);
		removed++;
	}
	if (d)
		closedir(d);
	CHECK((int)s.st_nlink == 2 + directories || s.st_nlink == 1); /* btrfs counts none */
	return removed;
}

static void trees(void)
{
	int status, bad = 0;

	for (int i = 0; i < WORKERS; i++)
		if (fork() == 0) {
			state = (unsigned)i;
			for (int k = 0; k < ROUNDS; k++)
				one_call();
			_exit(0);
		}
	for (int i = 0; i < WORKERS; i++)
		bad += wait(&status) < 0 || status;
	CHECK_EQ(bad, 0);
	printf("# %d names were left\n", remove_all("."));
}

static void walk_proc(void)
{
	static const char *const files[] = {"stat", "status", "maps", "cmdline", "exe", "task", "fd"};
	char path[300], text[4096];
	struct dirent *e;
	DIR *d = opendir("/proc");

	while (d && (e = readdir(d)))
		for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
			if (e->d_name[0] < '1' || e->d_name[0] > '9')
				continue;
			snprintf(path, sizeof(path), "/proc/%s/%s", e->d_name, files[i]);
			if (i < 4) {
				int fd = open(path, O_RDONLY);

				if (fd >= 0)
					while (read(fd, text, sizeof(text)) > 0)
						;
				close(fd);
			} else if (i == 4) {
				readlink(path, text, sizeof(text));
			} else {
				list(path);
			}
		}
	if (d)
		closedir(d);
}

static void dying(void)
{
	int status;

	for (int i = 0; i < 2; i++)
		if (fork() == 0) {
			for (int k = 0; k < 30; k++)
				walk_proc();
			_exit(0);
		}
	for (int k = 0; k < 200; k++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		CHECK(child > 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
	}
	for (int i = 0; i < 2; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
}

int main(void)
{
	check_start_in_directory();
	RUN(trees);
	RUN(dying);
	return check_end();
}
