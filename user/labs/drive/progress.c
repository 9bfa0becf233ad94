/* SPDX-License-Identifier: MIT
 *
 * Which levels are solved, and how well: one line for each in a file.
 *
 * A line is "level checksum moves hints wrong".  Lines that this program does not know, of other
 * level files or of an older text of a level, stay in the file.
 */
#include "../../lab/lab.h"
#include "drive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW ".new"

static struct entry {
	char name[32];
	unsigned int checksum;
	struct tries tries;
} * entries;
static int count;
static char path[256], place[512], *unknown; /* unknown: lines of another form */

static int cost_of(const struct tries *tries, int best)
{
	return tries->moves - best + tries->hints + 5 * tries->wrong;
}

int points_of(const struct tries *tries, int best)
{
	int points = 10 - cost_of(tries, best);

	return points > 1 ? points : 1;
}

static struct entry *find(const char *name, unsigned int checksum)
{
	for (int i = 0; i < count; i++)
		if (entries[i].checksum == checksum && strcmp(entries[i].name, name) == 0)
			return &entries[i];
	return NULL;
}

/* Keeps this entry, or the one that is known, if that one has at least as many points. */
static void keep(const struct entry *new)
{
	struct entry *e = find(new->name, new->checksum);

	/* The best of the level, here 0, does not change which one has more points. */
	if (e && cost_of(&e->tries, 0) <= cost_of(&new->tries, 0))
		return;
	if (!e) {
		entries = realloc(entries, (count + 1) * sizeof(*entries));
		if (!entries)
			lab_die("out of memory");
		e = &entries[count++];
	}
	*e = *new;
}

static void find_path(void)
{
	const char *home = getenv("HOME");

	if (home && *home && strcmp(home, "/") != 0 && access(home, W_OK) == 0) {
		snprintf(path, sizeof(path), "%s/.lab-drive", home);
	} else {
		(void)!(mkdir("/var/lib", 0755) + mkdir("/var/lib/lab", 0755));
		snprintf(path, sizeof(path), "/var/lib/lab/drive");
	}
	if (strlen(path) + sizeof(NEW) >= sizeof(path))
		path[0] = 0;
	snprintf(place, sizeof(place), "%s%s", path,
		 lab_options.on_heddle ? ", in memory: until the machine ends" : "");
}

/* Adds what the file has. */
static void read_file(void)
{
	char *text = lab_read(path), *rest = text;

	free(unknown);
	unknown = NULL;
	for (char *line; text && (line = strtok_r(rest, "\n", &rest));) {
		struct entry e;
		int end = -1;

		if (sscanf(line, "%31s %x %d %d %d%n", e.name, &e.checksum, &e.tries.moves,
			   &e.tries.hints, &e.tries.wrong, &end) == 5 &&
		    !line[end] && e.tries.moves >= 0 && e.tries.hints >= 0 && e.tries.wrong >= 0) {
			keep(&e);
			continue;
		}
		size_t before = unknown ? strlen(unknown) : 0;

		unknown = realloc(unknown, before + strlen(line) + 2);
		if (!unknown)
			lab_die("out of memory");
		sprintf(unknown + before, "%s\n", line);
	}
	free(text);
}

void progress_load(void)
{
	find_path();
	read_file();
}

const char *progress_place(void)
{
	return place;
}

const struct tries *progress_of(const struct level *level)
{
	const struct entry *e = find(level->name, level->checksum);

	return e ? &e->tries : NULL;
}

/* Writes a new file and then renames it: the old one is whole until the new one is. */
static bool save(void)
{
	char new[sizeof(path) + sizeof(NEW)];
	FILE *file;
	bool written;

	snprintf(new, sizeof(new), "%s" NEW, path);
	file = fopen(new, "w");
	if (!file)
		return false;
	for (int i = 0; i < count; i++)
		fprintf(file, "%s %x %d %d %d\n", entries[i].name, entries[i].checksum,
			entries[i].tries.moves, entries[i].tries.hints, entries[i].tries.wrong);
	fputs(unknown ? unknown : "", file);
	written = !ferror(file);
	written &= fclose(file) == 0;
	return written && rename(new, path) == 0;
}

bool progress_keep(const struct level *level, const struct tries *tries)
{
	struct entry new = {.checksum = level->checksum, .tries = *tries};

	strcpy(new.name, level->name);
	read_file(); /* another run of the lab may have written since */
	keep(&new);
	if (save())
		return true;
	snprintf(place, sizeof(place), "nowhere: %s: %s", path, strerror(errno));
	return false;
}
