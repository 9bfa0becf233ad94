/* SPDX-License-Identifier: MIT
 *
 * The options of all labs and the knobs of this lab; sets the CPUs and the time slice.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLICE_FILE "/proc/sys/kernel/sched_rr_timeslice_ms"
#define KNOBS	   8

struct lab_options lab_options = {.seed = 1, .repeat = 1};

static const char *knob_values[KNOBS];
static int wanted_cpus;
static unsigned long slice_ms;

/* Settings of the machine that the lab has changed, with what they were before. */
static struct setting {
	const char *file;
	char before[32];
} settings[4];
static int setting_count;

static const struct option {
	const char *name, *value, *help;
} options[] = {
    {"quick", NULL, "fewer rounds, no question: takes a few seconds"},
    {"cpus", "N", "use the first N CPUs only"},
    {"one-cpu", NULL, "the same as --cpus 1"},
    {"slice", "TIME", "the scheduler's time slice, 1ms or more (Heddle only)"},
    {"seed", "S", "start of the random choices: same seed, same run"},
    {"repeat", "N", "run N rounds, if the lab has rounds"},
    {"trace", "FILE", "write the scheduler's trace to FILE, as text"},
    {"json", NULL, "print the report as one JSON object on one line"},
    {"unattended", NULL, "ask nothing and wait for no key"},
    {"plain", NULL, "no colours, no escape sequences, ASCII only"},
    {"ascii", NULL, "only ASCII characters"},
    {"help", NULL, "show this text"},
};
enum {
	QUICK,
	CPUS,
	ONE_CPU,
	SLICE,
	SEED,
	REPEAT,
	TRACE,
	JSON,
	UNATTENDED,
	PLAIN_,
	ASCII,
	HELP,
	OPTIONS
};

static void help_line(const char *name, const char *value, const char *text)
{
	printf("  --%s%s%s%*s%s\n", name, value ? " " : "", value ? value : "",
	       (int)(18 - strlen(name) - (value ? strlen(value) + 1 : 0)), "", text);
}

static void help(void)
{
	printf("lab %s [options]\n\n", lab.name);
	put_paragraph("", 0, lab.claim);
	putchar('\n');
	for (int i = 0; i < OPTIONS; i++)
		help_line(options[i].name, options[i].value, options[i].help);
	if (lab.knobs && lab.knobs->name)
		printf("\nTo break it, or to change what it shows:\n");
	for (const struct lab_knob *k = lab.knobs; k && k->name; k++)
		help_line(k->name, k->value, k->help);
	printf("\nExit status: 0 expected verdict, or a knob was given, or cannot be shown here;\n"
	       "1 another verdict; 2 could not run; 3 wrong options; 4 quit at the question.\n");
	exit(0);
}

__attribute__((noreturn)) static void usage(const char *what, const char *argument)
{
	fprintf(stderr, "%s: %s '%s'; `lab %s --help` lists the options\n", lab.name, what,
		argument, lab.name);
	exit(3);
}

static uint64_t number(const char *name, const char *text, uint64_t least)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || value < least || strchr(text, '-')) {
		fprintf(stderr, "%s: --%s needs a number of at least %llu, not '%s'\n", lab.name,
			name, (unsigned long long)least, text);
		exit(3);
	}
	return value;
}

/* "1ms", "2000us", "0.5s": converts to whole milliseconds, the unit of the kernel's setting. */
static unsigned long milliseconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (strcmp(end, "us") == 0)
		value /= 1000;
	else if (strcmp(end, "s") == 0)
		value *= 1000;
	else if (strcmp(end, "ms") != 0)
		end = NULL;
	if (!end || value < 1 || value > 1000 || value != (unsigned long)value) {
		fprintf(stderr, "%s: --slice needs whole milliseconds, 1ms to 1s, not '%s'\n",
			lab.name, text);
		exit(3);
	}
	return value;
}

static void take(int option, const char *value, bool *ascii)
{
	switch (option) {
	case QUICK:
		lab_options.quick = true;
		break;
	case CPUS:
		wanted_cpus = number("cpus", value, 1);
		break;
	case ONE_CPU:
		wanted_cpus = 1;
		break;
	case SLICE:
		slice_ms = milliseconds(value);
		break;
	case SEED:
		lab_options.seed = number("seed", value, 0);
		lab_options.seed_given = true;
		break;
	case REPEAT:
		lab_options.repeat = number("repeat", value, 1);
		break;
	case TRACE:
		trace_file = value;
		break;
	case JSON:
		lab_options.json = true;
		break;
	case UNATTENDED:
		lab_options.unattended = true;
		break;
	case PLAIN_:
		lab_options.plain = true;
		break;
	case ASCII:
		*ascii = true;
		break;
	}
}

void options_parse(int argc, char *argv[])
{
	bool ascii = false, wants_help = false;

	for (int i = 1; i < argc; i++) {
		const struct lab_knob *knob = lab.knobs;
		const char *name = argv[i] + 2, *argument = strchr(argv[i], '='), *takes;
		size_t length = argument ? (size_t)(argument - name) : strlen(argv[i]) - 2;
		int option = 0;

		if (strncmp(argv[i], "--", 2) != 0)
			usage(argv[i][0] == '-' ? "no such option" : "not an option", argv[i]);
		while (option < OPTIONS && (strlen(options[option].name) != length ||
					    strncmp(options[option].name, name, length) != 0))
			option++;
		while (option == OPTIONS && knob && knob->name &&
		       (strlen(knob->name) != length || strncmp(knob->name, name, length) != 0))
			knob++;
		if (option == OPTIONS && (!knob || !knob->name))
			usage("no such option", argv[i]);
		takes = option < OPTIONS ? options[option].value : knob->value;
		if (!takes && argument)
			usage("this option takes no value", argv[i]);
		if (argument)
			argument++;
		else if (takes && i + 1 < argc)
			argument = argv[++i];
		else if (takes)
			usage("this option needs a value", argv[i]);
		if (option == HELP)
			wants_help = true;
		else if (option < OPTIONS)
			take(option, argument, &ascii);
		else
			knob_values[knob - lab.knobs] = argument ? argument : "";
	}
	screen_open(lab_options.plain, ascii);
	if (wants_help)
		help();
	lab_options.interactive = !lab_options.json && !lab_options.unattended &&
				  isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	lab_options.on_heddle = access("/proc/heddle", F_OK) == 0;
}

const char *lab_knob(const char *name)
{
	for (const struct lab_knob *k = lab.knobs; k && k->name; k++)
		if (strcmp(k->name, name) == 0)
			return knob_values[k - lab.knobs];
	lab_die("no knob '%s' is declared: this is an error in the lab's program", name);
}

bool options_broken(void)
{
	for (int i = 0; i < KNOBS; i++)
		if (knob_values[i])
			return true;
	return false;
}

int lab_pick(int full, int quick)
{
	return lab_options.quick ? quick : full;
}

void options_json(void)
{
	printf("{\"quick\":%s,\"seed\":%llu,\"repeat\":%d", lab_options.quick ? "true" : "false",
	       (unsigned long long)lab_options.seed, lab_options.repeat);
	if (slice_ms)
		printf(",\"slice_ms\":%lu", slice_ms);
	for (int i = 0; i < KNOBS; i++) {
		if (!knob_values[i])
			continue;
		putchar(',');
		json_string(lab.knobs[i].name);
		putchar(':');
		if (*knob_values[i])
			json_string(knob_values[i]);
		else
			printf("true");
	}
	putchar('}');
}

/* Restores the settings of the machine that the lab changed.  Also called from a signal handler. */
static void restore(void)
{
	if (in_child())
		return;
	trace_off();
	for (int i = 0; i < setting_count; i++) {
		int file = open(settings[i].file, O_WRONLY);

		if (file >= 0) {
			(void)!write(file, settings[i].before, strlen(settings[i].before));
			close(file);
		}
	}
}

bool lab_setting(const char *file, const char *value)
{
	char *before = lab_read(file);
	struct setting *s = &settings[setting_count];

	if (!before || setting_count == sizeof(settings) / sizeof(*settings)) {
		free(before);
		return false;
	}
	s->file = file;
	snprintf(s->before, sizeof(s->before), "%.20s", before);
	free(before);
	setting_count++;
	return lab_write(file, value);
}

static void ended_by(int signal)
{
	restore();
	raise(signal); /* the handler is reset (SA_RESETHAND): now the signal ends the process */
}

void options_apply(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = ended_by, .sa_flags = SA_RESETHAND};

	atexit(restore);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &action, NULL);
	lab_options.cpus = cpus_limit(0);
	if (wanted_cpus > lab_options.cpus)
		lab_left_out("--cpus", "this machine does not have so many CPUs");
	else if (wanted_cpus)
		lab_options.cpus = cpus_limit(wanted_cpus);
	if (!slice_ms)
		return;
	if (!lab_options.on_heddle) {
		lab_left_out("--slice", "Linux has no such setting for ordinary threads");
		return;
	}
	char now[32];

	snprintf(now, sizeof(now), "%lu\n", slice_ms);
	if (!lab_setting(SLICE_FILE, now))
		lab_left_out("--slice", "the kernel did not accept this value");
}
