/* SPDX-License-Identifier: MIT
 *
 * Lists the labs and runs one or all of them.
 *
 *   lab                   list the labs and mark those that are done
 *   lab NAME [options]    run one lab
 *   lab NAME --page       show the page of a lab
 *   lab tour [options]    run all labs, in the order of the course
 *
 * The labs are in $LAB_DIR, else in /labs, else in the directory of this program.  Each lab appends
 * its verdict to the file that $LAB_RESULT names; this program reads there which labs are done.
 */
#include "user/lab/catalogue.h"
#include "user/lab/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Without a terminal a lab is killed after so many seconds. */
#define LIMIT 300

#define PAGES "pages" /* the folder of the labs' pages, beside the labs */

static char *places[3];
static char
    *state_file; /* lines "lab verdict ok|not"; the last line of a lab counts; NULL: no file */

static bool given(char *argv[], const char *option)
{
	for (; *argv; argv++)
		if (strcmp(*argv, option) == 0)
			return true;
	return false;
}

/* --- where the labs are, and what is done -------------------------------------------------------
 */

static void find_places(void)
{
	char self[PATH_MAX] = "", *slash;
	const char *dir = getenv("LAB_DIR"), *home = getenv("HOME");

	(void)!readlink("/proc/self/exe", self, sizeof(self) - 1);
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	places[0] = must(strdup(dir ? dir : "/labs"));
	places[1] = must(strdup("/labs"));
	places[2] = must(strdup(self));
	if (home && *home && access(home, W_OK) == 0) {
		state_file = text_of("%s/.lab-done", home);
	} else if (mkdir("/var/lib", 0755) == 0 || errno == EEXIST) {
		mkdir("/var/lib/lab", 0755);
		state_file = must(strdup("/var/lib/lab/done"));
	}
	if (state_file)
		setenv("LAB_RESULT", state_file, 1);
}

/* The path of a lab, or of a file of the labs, or NULL if it is not installed.  The caller frees
 * it. */
static char *path_of(const char *name)
{
	for (int i = 0; i < 3; i++) {
		char *path = text_of("%s/%s", places[i], name);

		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* The last verdict of a lab, as a key of verdict_key().  Returns false if there is none. */
static bool verdict_of(const char *name, char verdict[16], bool *ok)
{
	char *text = state_file ? lab_read(state_file) : NULL, *rest = text;
	bool found = false;

	for (char *line; text && (line = strtok_r(rest, "\n", &rest));) {
		char lab_name[32], key[16], how[8];

		if (sscanf(line, "%31s %15s %7s", lab_name, key, how) != 3 ||
		    strcmp(lab_name, name) != 0)
			continue;
		strcpy(verdict, key);
		*ok = strcmp(how, "ok") == 0;
		found = true;
	}
	free(text);
	return found;
}

static void list(void)
{
	char verdict[16];
	bool ok;

	/* With the line of the prompt: a list that is longer than the screen waits for a key. */
	screen.pages = isatty(STDIN_FILENO) && screen.overwrites && screen.rows >= 10 &&
		       (int)CATALOGUE + 2 > screen.rows;
	for (size_t i = 0; i < CATALOGUE; i++) {
		char *path = path_of(catalogue[i].name);
		bool done = verdict_of(catalogue[i].name, verdict, &ok);

		put_colour(done ? (ok ? GOOD : BAD) : PLAIN);
		put(done ? (ok ? " √ " : " x ") : "   ");
		put_colour(PLAIN);
		put_padded(catalogue[i].name, 13, false);
		put_format("%s%s\n", catalogue[i].title, path ? "" : " (not installed)");
		free(path);
	}
	/* Print this last: it stays visible even if the list is as long as the screen. */
	put_colour(BOLD);
	put("`lab NAME` runs one (--help: options), `lab tour` runs all. √ done, x failed.\n");
	put_colour(PLAIN);
}

/* --- one lab ------------------------------------------------------------------------------------
 */

/* The number of letters to change, add or remove (Levenshtein 1966). */
static int distance(const char *a, const char *b)
{
	int row[32], columns = strlen(b);

	if (columns > 30)
		return columns;
	for (int j = 0; j <= columns; j++)
		row[j] = j;
	for (int i = 0; a[i]; i++) {
		int diagonal = row[0]++;

		for (int j = 0; j < columns; j++) {
			int change = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = change;
			if (diagonal + 1 < row[j + 1])
				row[j + 1] = diagonal + 1;
			if (row[j] + 1 < row[j + 1])
				row[j + 1] = row[j] + 1;
		}
	}
	return row[columns];
}

static int unknown(const char *name)
{
	const char *nearest = NULL;
	int best = 4;

	for (size_t i = 0; i < CATALOGUE; i++) {
		int d = strncmp(catalogue[i].name, name, strlen(name)) == 0
			    ? 0
			    : distance(name, catalogue[i].name);

		if (d < best) {
			best = d;
			nearest = catalogue[i].name;
		}
	}
	if (distance(name, "tour") < best)
		nearest = "tour";
	if (nearest)
		fprintf(stderr, "lab: there is no lab '%s'; did you mean '%s'?\n", name, nearest);
	else
		fprintf(stderr, "lab: there is no lab '%s'; `lab` lists them\n", name);
	return 3;
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < CATALOGUE; i++)
		if (strcmp(catalogue[i].name, name) == 0)
			return true;
	return false;
}

/* Runs a lab.  Returns its exit status, or 128 + the number of the signal that killed it. */
static int run(const char *path, char *argv[], unsigned int limit)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(limit);
		execv(path, argv);
		fprintf(stderr, "lab: %s: %s\n", path, strerror(errno));
		_exit(2);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = -1;
	if (pid < 0) {
		perror("lab");
		return 2;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "lab: signal %d (%s) killed the lab\n", WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

/* Shows the page of a lab: on a terminal with less, which is one of BusyBox's programs, too. */
static int show_page(const char *name)
{
	char *file = text_of(PAGES "/%s.txt", name), *path = path_of(file), *text;

	free(file);
	if (!path) {
		fprintf(stderr, "lab: there is no page of '%s' in %s/" PAGES "\n", name, places[0]);
		return 2;
	}
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		execlp("less", "less", path, NULL);
	text = lab_read(path);
	put(text ? text : "");
	free(text);
	free(path);
	return 0;
}

static int run_one(char *argv[])
{
	char *path = path_of(argv[0]);
	int status;

	if (!path) {
		fprintf(stderr, "lab: '%s' is not in %s; LAB_DIR can name another folder\n",
			argv[0], places[0]);
		return 2;
	}
	status = run(path, argv, 0);
	free(path);
	return status;
}

/* --- the tour -----------------------------------------------------------------------------------
 */

enum outcome { FAILED, OK, SKIPPED };

static const char *verdict_text(const char *key)
{
	static const char *const texts[][2] = {{"true", "TRUE HERE"},
					       {"corrected", "TRUE WITH A CORRECTION"},
					       {"false", "FALSE HERE"},
					       {"not_shown", "CANNOT BE SHOWN HERE"}};

	for (int i = 0; i < 4; i++)
		if (strcmp(texts[i][0], key) == 0)
			return texts[i][1];
	return "";
}

static int summary(const enum outcome *outcomes, bool json)
{
	int count[3] = {0};

	for (size_t i = 0; i < CATALOGUE; i++)
		count[outcomes[i]]++;
	if (json) {
		printf("{\"tour\":{\"ok\":%d,\"skipped\":%d,\"failed\":[", count[OK],
		       count[SKIPPED]);
		for (size_t i = 0, n = 0; i < CATALOGUE; i++)
			if (outcomes[i] == FAILED)
				printf("%s\"%s\"", n++ ? "," : "", catalogue[i].name);
		printf("]}}\n");
		return count[FAILED] ? 1 : 0;
	}
	put("\n");
	for (size_t i = 0; i < CATALOGUE; i++) {
		char verdict[16] = "";
		bool ok;

		put_colour(outcomes[i] == OK ? GOOD : outcomes[i] == FAILED ? BAD : PLAIN);
		put(outcomes[i] == OK ? " √ " : outcomes[i] == FAILED ? " x " : "   ");
		put_colour(PLAIN);
		put_padded(catalogue[i].name, 13, false);
		if (outcomes[i] == SKIPPED)
			put("skipped");
		else if (verdict_of(catalogue[i].name, verdict, &ok) && ok == (outcomes[i] == OK))
			put(verdict_text(verdict));
		else
			put(outcomes[i] == OK ? "as expected" : "reached no verdict");
		put("\n");
	}
	put_format("%d as expected, %d not as expected, %d skipped.\n", count[OK], count[FAILED],
		   count[SKIPPED]);
	return count[FAILED] ? 1 : 0;
}

/* Asks about the next lab.  Returns Enter, 's' or 'q'. */
static char ask(size_t next)
{
	char key;

	put_format("\nNext, %zu of %zu: %s: %s.\n", next + 1, CATALOGUE, catalogue[next].name,
		   catalogue[next].title);
	key = key_choose("Enter: continue; s: skip it; q: leave the tour. ", "\nsq");
	put("\n");
	return key;
}

static int tour(char *argv[], bool quick, bool json)
{
	bool asks = !quick && !json && !given(argv, "--unattended") && isatty(STDIN_FILENO) &&
		    isatty(STDOUT_FILENO);
	enum outcome outcomes[CATALOGUE];

	for (size_t i = 0; i < CATALOGUE; i++)
		outcomes[i] = SKIPPED;
	for (size_t i = 0; i < CATALOGUE; i++) {
		char *path = path_of(catalogue[i].name);
		char key = asks ? ask(i) : '\n';
		int status;

		if (key == 'q')
			break;
		if (key == 's')
			continue;
		argv[0] = (char *)catalogue[i].name;
		if (!path)
			fprintf(stderr, "lab: '%s' is not in %s; LAB_DIR can name another folder\n",
				argv[0], places[0]);
		status = path ? run(path, argv, asks ? 0 : LIMIT) : 2;
		outcomes[i] = status == 0 ? OK : status == LAB_LEFT ? SKIPPED : FAILED;
		free(path);
	}
	return summary(outcomes, json);
}

int main(int argc, char *argv[])
{
	char **rest = argv + 1;

	screen_open(given(argv, "--plain"), given(argv, "--ascii"));
	find_places();
	while (argc > 1 && (strcmp(*rest, "--plain") == 0 || strcmp(*rest, "--ascii") == 0)) {
		rest++;
		argc--;
	}
	if (argc < 2) {
		list();
		return 0;
	}
	if (strcmp(*rest, "--help") == 0 || strcmp(*rest, "-h") == 0 ||
	    strcmp(*rest, "help") == 0) {
		puts("lab                 list the labs and mark those that are done\n"
		     "lab NAME [options]  run one lab; `lab NAME --help` lists its options\n"
		     "lab NAME --page     show the page of a lab, with its exercises\n"
		     "lab tour [options]  run all, in the order of the course; --quick asks "
		     "nothing\n"
		     "Exit status of the tour: 0 all verdicts as expected; 1 some were not.");
		return 0;
	}
	if (strcmp(*rest, "tour") == 0)
		return tour(rest, given(rest, "--quick"), given(rest, "--json"));
	if (!is_known(*rest))
		return unknown(*rest);
	return given(rest, "--page") ? show_page(*rest) : run_one(rest);
}
