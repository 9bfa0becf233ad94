/* SPDX-License-Identifier: MIT
 *
 * You are the scheduler: choose the thread that runs the next statement, and try to break a small
 * program.
 *
 * The two threads of the program are real threads in a child process; each runs one statement when
 * it is told to, then waits again.  The lab also tries the same statements in every order on a copy
 * of the memory, without threads: so it finds the shortest schedule that breaks the program, and
 * knows at every step what the threads must have done.
 */
#include "lab.h"

#include <ctype.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS	   2
#define LOCKS	   2
#define STATEMENTS 6 /* statements of a thread, including END */
#define LONGEST	   (THREADS * STATEMENTS)
#define NOBODY	   -1

/* --- the programs -------------------------------------------------------------------------------
 */

enum op { END, LOAD, ADD, STORE, SET, GOTO_IF, SLEEP, WAKE, LOCK, UNLOCK };
enum { a, b }; /* the locks */

struct statement {
	const char *text;
	enum op op;
	int arg; /* LOCK, UNLOCK: the lock; GOTO_IF: the target; SET: the value; WAKE: the thread;
		    SLEEP: the lock that it releases while it sleeps, or NOBODY */
};

/* clang-format off */

#define TAKE(l)	  {"lock(" #l ")", LOCK, l}
#define GIVE(l)	  {"unlock(" #l ")", UNLOCK, l}
#define INCREMENT {"r = counter", LOAD, 0}, {"r = r + 1", ADD, 0}, {"counter = r", STORE, 0}

static const struct program {
	const char *name, *title, *variable; /* variable: NULL if it has none */
	int goal;			     /* the expected final value of the variable */
	struct statement code[2][THREADS][STATEMENTS]; /* [0]: without locks; [1]: with --lock */
} programs[] = {
	{"update", "lost update", "counter", 2, {
		{{INCREMENT}, {INCREMENT}},
		{{TAKE(a), INCREMENT, GIVE(a)}, {TAKE(a), INCREMENT, GIVE(a)}}}},
	{"wakeup", "lost wake-up", "ready", 1, {
		{{{"if (ready) goto end", GOTO_IF, 2}, {"sleep()", SLEEP, NOBODY}},
		 {{"ready = 1", SET, 1}, {"wake(A)", WAKE, 0}}},
		{{TAKE(a), {"if (ready) goto last", GOTO_IF, 4}, {"sleep(), free lock a", SLEEP, a},
		  {"lock(a) again", LOCK, a}, GIVE(a)},
		 {TAKE(a), {"ready = 1", SET, 1}, {"wake(A)", WAKE, 0}, GIVE(a)}}}},
	{"deadlock", "deadlock", NULL, 0, {
		{{TAKE(a), TAKE(b), GIVE(b), GIVE(a)}, {TAKE(b), TAKE(a), GIVE(a), GIVE(b)}},
		{{TAKE(a), TAKE(b), GIVE(b), GIVE(a)}, {TAKE(a), TAKE(b), GIVE(b), GIVE(a)}}}},
};
#define PROGRAMS (int)(sizeof(programs) / sizeof(*programs))

/* clang-format on */

static const struct program *program = programs;
static bool cured;

/* The memory of a running program. */
struct state {
	signed char at[THREADS]; /* the next statement */
	signed char r[THREADS], asleep[THREADS];
	signed char owner[LOCKS], variable;
};

static struct state beginning(void)
{
	return (struct state){.owner = {NOBODY, NOBODY}};
}

static const struct statement *next_of(const struct state *s, int t)
{
	return &program->code[cured][t][s->at[t]];
}

static bool ended(const struct state *s, int t)
{
	return next_of(s, t)->op == END && !s->asleep[t];
}

static bool can_run(const struct state *s, int t)
{
	const struct statement *next = next_of(s, t);

	return next->op != END && !s->asleep[t] &&
	       (next->op != LOCK || s->owner[next->arg] == NOBODY);
}

static bool is_over(const struct state *s)
{
	return !can_run(s, 0) && !can_run(s, 1);
}

/* Applies the next statement of a thread to the memory. */
static void make_step(struct state *s, int t)
{
	const struct statement *now = next_of(s, t);

	s->at[t]++;
	switch (now->op) {
	case LOAD:
		s->r[t] = s->variable;
		break;
	case ADD:
		s->r[t]++;
		break;
	case STORE:
		s->variable = s->r[t];
		break;
	case SET:
		s->variable = now->arg;
		break;
	case GOTO_IF:
		if (s->variable)
			s->at[t] = now->arg;
		break;
	case SLEEP:
		s->asleep[t] = 1;
		if (now->arg != NOBODY)
			s->owner[now->arg] = NOBODY;
		break;
	case WAKE: /* if no thread sleeps, the wake-up is lost */
		s->asleep[now->arg] = 0;
		break;
	case LOCK:
		s->owner[now->arg] = t;
		break;
	case UNLOCK:
		s->owner[now->arg] = NOBODY;
		break;
	case END:
		break;
	}
}

/* Called when no thread can run any more.  Returns what is wrong, or NULL. */
static const char *what_broke(const struct state *s)
{
	static char text[64];

	if (s->asleep[0] || s->asleep[1])
		return "a thread sleeps for ever: the wake-up came too early";
	if (!ended(s, 0) || !ended(s, 1))
		return "deadlock: each waits for a lock that the other holds";
	if (s->variable == program->goal)
		return NULL;
	snprintf(text, sizeof(text), "%s is %d, and should be %d", program->variable, s->variable,
		 program->goal);
	return text;
}

/* --- search of all schedules --------------------------------------------------------------------
 */

struct search {
	int all, broken;	    /* number of schedules; number that break it */
	int steps, switches;	    /* of the shortest one that breaks it; if there are several, */
	char shortest[LONGEST + 1]; /* of the one with the fewest switches */
};

/* Tries all continuations of `schedule`, which has led to state `s`. */
static void explore(const struct state *s, const char *schedule, int switches, struct search *found)
{
	int steps = strlen(schedule);

	for (int t = 0; t < THREADS; t++) {
		char longer[LONGEST + 1];
		struct state after = *s;

		if (!can_run(s, t))
			continue;
		sprintf(longer, "%s%c", schedule, 'A' + t);
		make_step(&after, t);
		explore(&after, longer, switches + (steps && schedule[steps - 1] != 'A' + t),
			found);
	}
	if (!is_over(s))
		return;
	found->all++;
	if (!what_broke(s))
		return;
	if (!found->broken++ || steps < found->steps ||
	    (steps == found->steps && switches < found->switches)) {
		found->steps = steps;
		found->switches = switches;
		strcpy(found->shortest, schedule);
	}
}

static struct search search_all(void)
{
	struct state start = beginning();
	struct search found = {0};

	explore(&start, "", 0, &found);
	return found;
}

/* --- the threads --------------------------------------------------------------------------------
 */

static struct real {
	sem_t go[THREADS], done;
	struct state is;
} * real; /* shared with the child */

static pid_t child;
static pthread_mutex_t locks[LOCKS] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_mutex_t bed = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;

/* Runs the next statement of a thread, with real locks, sleeps and wake-ups. */
static void really(int t)
{
	struct state *is = &real->is;
	const struct statement *now = next_of(is, t);

	if (now->op == LOCK)
		pthread_mutex_lock(&locks[now->arg]);
	pthread_mutex_lock(&bed);
	make_step(is, t);
	if (now->op == UNLOCK || (now->op == SLEEP && now->arg != NOBODY))
		pthread_mutex_unlock(&locks[now->arg]);
	if (now->op == WAKE)
		pthread_cond_signal(&woken);
	sem_post(&real->done);
	while (is->asleep[t])
		pthread_cond_wait(&woken, &bed);
	pthread_mutex_unlock(&bed);
}

static void *driven(void *arg)
{
	int t = (int)(intptr_t)arg;

	while (next_of(&real->is, t)->op != END) {
		while (sem_wait(&real->go[t]) < 0) /* wait for permission to run one statement */
			;
		really(t);
	}
	return NULL;
}

static int driven_process(void *unused)
{
	(void)unused;
	lab_thread("A", driven, (void *)0);
	lab_thread("B", driven, (void *)1);
	pause(); /* wait for SIGKILL: a deadlock never ends by itself */
	return 0;
}

static void real_end(void)
{
	if (child) {
		kill(child, SIGKILL);
		lab_wait(child);
	}
	child = 0;
}

/* Waits until a thread has run its statement.  Returns false on time-out. */
static bool real_done(int ms)
{
	while (sem_trywait(&real->done) < 0) {
		if (ms-- == 0)
			return false;
		usleep(1000);
	}
	return true;
}

/* --- running a schedule
 * -------------------------------------------------------------------------------------
 */

static struct play {
	struct state state; /* the expected state */
	char schedule[LONGEST + 1];
	int steps;
	bool differs; /* the real threads reached another state */
	bool stuck;   /* threads that cannot run got permission, but did not return */
} play;

static void play_begin(void)
{
	real_end();
	play = (struct play){.state = beginning()};
	real->is = beginning();
	sem_init(&real->done, 1, 0);
	for (int t = 0; t < THREADS; t++)
		sem_init(&real->go[t], 1, 0);
	child = lab_fork("driven", driven_process, NULL);
}

static void play_step(int t)
{
	make_step(&play.state, t);
	play.schedule[play.steps++] = 'A' + t;
	sem_post(&real->go[t]);
	if (!real_done(20000))
		lab_die("thread %c did not complete its statement", 'A' + t);
	play.differs |= memcmp(&play.state, &real->is, sizeof(play.state)) != 0;
}

/* Plays the schedule as far as it is possible; then runs A as long as it can run, then B, and so
 * on. At the end each thread that cannot run gets permission once more: does it return? */
static void play_schedule(const char *schedule)
{
	play_begin();
	for (; *schedule; schedule++) {
		int t = toupper((unsigned char)*schedule) - 'A';

		if (t >= 0 && t < THREADS && can_run(&play.state, t))
			play_step(t);
	}
	for (int t = 0; !is_over(&play.state); t = !t)
		while (can_run(&play.state, t))
			play_step(t);
	for (int t = 0; t < THREADS; t++)
		if (!ended(&play.state, t))
			sem_post(&real->go[t]);
	play.stuck = !real_done(200);
	real_end();
}

/* "counter = 1, lock a: B" */
static const char *values(const struct state *s)
{
	static char text[64];
	int n = 0;

	*text = 0;
	if (program->variable)
		n = sprintf(text, "%s = %d", program->variable, s->variable);
	for (int l = 0; l < LOCKS; l++)
		if (s->owner[l] != NOBODY)
			n += sprintf(text + n, "%slock %c: %c", n ? ", " : "", 'a' + l,
				     'A' + s->owner[l]);
	return text;
}

static void show_schedule(const char *schedule, const char *title)
{
	struct lab_table *table = lab_table(title, ">step|thread A|thread B|then");
	struct state s = beginning();

	for (int i = 0; schedule[i]; i++) {
		int t = schedule[i] - 'A';
		const char *what = next_of(&s, t)->text;

		make_step(&s, t);
		lab_row(table, "%d|%s|%s|%s", i + 1, t ? "" : what, t ? what : "", values(&s));
	}
}

/* --- interaction with the learner ---------------------------------------------------------------
 */

static char mine[PROGRAMS][LONGEST + 1]; /* shortest schedule with which the learner broke it */

/* Draws one line of both threads.  Returns true if there are more lines. */
static bool draw_line(int line)
{
	const struct state *s = &play.state;
	bool more = false;

	for (int t = 0; t < THREADS; t++) {
		const struct statement *code = program->code[cured][t];
		int length = 0;
		const char *text;
		bool here = s->at[t] - s->asleep[t] == line;
		char mark = ended(s, t) ? ' ' : s->asleep[t] ? 'z' : can_run(s, t) ? '>' : 'x';

		while (code[length].op != END)
			length++;
		text = line < length ? code[line].text : line == length ? "(end)" : "";
		lab_live_put(!here	   ? LAB_DIM
			     : mark == '>' ? LAB_GOOD
			     : mark == ' ' ? LAB_PLAIN
					   : LAB_BAD,
			     " %c %-22s", here ? mark : ' ', text);
		more |= line < length;
	}
	lab_live_newline();
	return more;
}

static void draw(const char *message)
{
	const struct state *s = &play.state;
	struct search found = search_all();
	int columns, rows, line = 0;

	lab_live_begin(&columns, &rows);
	lab_live_line(LAB_BOLD, "You are the scheduler: %s%s", program->title,
		      cured ? ", cured by locks" : "");
	lab_live_newline();
	lab_live_line(LAB_BOLD, "   %-25s%s", "thread A", "thread B");
	while (draw_line(line))
		line++;
	lab_live_newline();
	lab_live_put(LAB_PLAIN, "%s", values(s));
	if (program->variable)
		lab_live_put(LAB_PLAIN, ", r of A = %d, r of B = %d", s->r[0], s->r[1]);
	lab_live_newline();
	lab_live_line(LAB_PLAIN, "So far: %s", play.steps ? play.schedule : "-");
	lab_live_newline();
	lab_live_line(is_over(s) && what_broke(s) ? LAB_BAD : LAB_WARN, "%s", message);
	if (is_over(s))
		lab_live_put(LAB_PLAIN, "%d of %d schedules break it%s%s", found.broken, found.all,
			     found.broken ? "; the shortest: " : "", found.shortest);
	lab_live_newline();
	lab_live_newline();
	lab_live_line(LAB_DIM, "a b: run that thread for one statement (> can run, x waits for a "
			       "lock, z sleeps)");
	lab_live_line(LAB_DIM, "u: undo  r: restart  h: hint  k: %s  n: next program  q: end",
		      cured ? "remove the locks" : "add locks");
	lab_live_end();
}

static const char *picked(int t)
{
	static char text[96];
	char *best = mine[program - programs];

	if (!can_run(&play.state, t))
		return ended(&play.state, t)  ? "This thread has ended."
		       : play.state.asleep[t] ? "This thread sleeps."
					      : "This thread waits for a lock.";
	play_step(t);
	if (play.differs)
		return "Error: the thread did not do what the search predicted.";
	if (!is_over(&play.state))
		return "";
	if (!what_broke(&play.state))
		return "The result is right. Try another schedule (r), or undo (u).";
	snprintf(text, sizeof(text), "BROKEN after %d: %s.", play.steps, what_broke(&play.state));
	if (!cured && (!*best || strlen(best) > strlen(play.schedule)))
		strcpy(best, play.schedule);
	return text;
}

static const char *hint(void)
{
	static char text[64];
	struct search found = {0};

	explore(&play.state, play.schedule, 0, &found);
	if (!found.broken)
		return play.steps ? "No continuation breaks it. Undo (u)."
				  : "No schedule breaks it: all are right.";
	if (found.steps == play.steps)
		return "It is broken.";
	snprintf(text, sizeof(text), "Run %c next.", found.shortest[play.steps]);
	return text;
}

/* Begins again and repeats all statements except the last. */
static void undo(void)
{
	struct play before = play;

	play_begin();
	for (int i = 0; i < before.steps - 1; i++)
		play_step(before.schedule[i] - 'A');
}

static void interact(void)
{
	const char *message = "Choose the thread that runs next, and try to break the program.";

	play_begin();
	for (int key = 0; key != 'q';) {
		draw(message);
		message = "";
		key = tolower(lab_live_key(-1));
		if (key == 'a' || key == 'b') {
			message = picked(key - 'a');
		} else if (key == 'u') {
			undo();
		} else if (key == 'h') {
			message = hint();
		} else if (key == 'r' || key == 'k' || key == 'n') {
			cured = key == 'k' ? !cured : key == 'r' && cured;
			if (key == 'n' && ++program == programs + PROGRAMS)
				program = programs;
			play_begin();
		}
	}
	real_end();
}

/* --- the lab ------------------------------------------------------------------------------------
 */

static int breakable;		/* number of programs that some schedule breaks */
static bool as_foretold = true; /* the threads did what the search predicted */

static void search_and_play(struct lab_table *table)
{
	struct search found = search_all();
	const char *why;
	char title[80];

	play_schedule(found.shortest); /* if there is none: A runs to its end, then B */
	why = what_broke(&play.state);
	as_foretold &= !play.differs && !why == !found.broken;
	breakable += found.broken > 0;
	lab_row(table, "%s|%d|%d|%s|%s", program->title, found.all, found.broken,
		found.broken ? found.shortest : "none", why ? why : "the result is right");
	if (program == programs) {
		lab_figure("update_schedules", found.all, "schedules",
			   "schedules of two increments");
		lab_figure("update_broken", found.broken, "schedules",
			   "schedules that lose an increment");
	}
	if (!why)
		return;
	snprintf(title, sizeof(title), "%s: the shortest schedule that breaks it", program->title);
	show_schedule(found.shortest, title);
	if (!ended(&play.state, 0) || !ended(&play.state, 1))
		lab_check(play.stuck, "%s: no stuck thread continued when it got permission to run",
			  program->title);
}

static void run(void)
{
	const char *wanted = lab_knob("program"), *given = lab_knob("play");
	struct lab_table *table;
	int count = 0;

	while (wanted && strcmp(program->name, wanted) != 0)
		if (++program == programs + PROGRAMS)
			lab_die(
			    "there is no program '%s'; the programs are update, wakeup, deadlock",
			    wanted);
	cured = lab_knob("lock");
	real = lab_shared(sizeof(*real));
	if (given) {
		play_schedule(given);
		show_schedule(play.schedule, "The given schedule, run by two threads");
		lab_note("%s: %s.", play.schedule,
			 what_broke(&play.state) ? what_broke(&play.state) : "the result is right");
		as_foretold &= !play.differs;
	} else if (lab_options.interactive && !lab_options.quick && lab_live_open()) {
		interact();
		lab_live_close();
		cured = lab_knob("lock");
	}
	table = lab_table(cured ? "The programs, cured by locks (--lock)" : "The programs",
			  "program|>schedules|>break it|the shortest|what happens then");
	for (program = programs; program < programs + PROGRAMS; program++) {
		const char *best = mine[program - programs];

		if (wanted && strcmp(program->name, wanted) != 0)
			continue;
		count++;
		search_and_play(table);
		if (*best)
			lab_note("You broke '%s' with %s.", program->title, best);
	}
	lab_check_equals(breakable, count, "programs", "programs that some schedule breaks");
	lab_check(as_foretold, "two threads, run in this order, did what the search predicted");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "%d of %d programs break under some schedules and are right under others. "
		    "A passed test only shows that one schedule was right, not that the "
		    "program is right.",
		    breakable, count);
	else if (breakable == 0 && as_foretold)
		lab_verdict(
		    LAB_FALSE,
		    "No schedule breaks any of the %d programs: with the locks all are right.",
		    count);
	else
		lab_verdict(LAB_FALSE, "See the checks.");
}

static const struct lab_knob knobs[] = {
    {"lock", NULL, "the programs use locks: no schedule breaks them"},
    {"program", "NAME", "only one program: update, wakeup, deadlock"},
    {"play", "SCHEDULE", "run this schedule, e.g. ABABAB, without keys, and show the result"},
    {0},
};

const struct lab lab = {
    .name = "drive",
    .claim = "The scheduler decides who runs next, so a program without locks can go wrong.",
    .loose =
	"It can go wrong, but it need not: under other schedules it is right. A program is right "
	"only if no schedule breaks it.",
    .predict = {.question = "counter++ is load, add, store. Two threads do it once each. How many "
			    "of the 20 schedules lose an update?",
		.choices = {"1", "about half", "18"},
		.answer = 2,
		.why = "A schedule is right only if one thread ends before the other begins: 2 of "
		       "20."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "\"We must guarantee that one process at a time can manipulate the variable\" "
	     "(Silberschatz, 6.1).",
    .sources = "kernel/task/sched.c choose_next(); kernel/watch/seed/seed.c choose_holder()",
    .tour = "switch",
    .run = run,
};
