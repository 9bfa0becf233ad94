/* SPDX-License-Identifier: MIT
 *
 * A model of a browser: three tabs; each tab is a process of three threads (one renders, one takes
 * input, one fetches over a UNIX socket).  There is also a process for the network and one for the
 * window around the tabs.  A key crashes a tab, kills or ends one of its threads, or fills its
 * memory.  The lab shows what died, what survived and what came back, and whether another tab
 * missed a frame.  On a terminal it is live; otherwise a script presses the same keys.
 *
 * A tab and the window draw a frame every 50 ms.  A frame is missed if it was not drawn before the
 * next one was due.  The window's missed frames show how busy the machine is.
 */
#include "lab.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB	  (1024 * 1024)
#define PERIOD_NS 50000000ull
#define ROOM	  (16 * MIB) /* memory that a tab may take in addition to what it starts with */

enum { TABS = 3, EVENTS = 32, LINES = 64, TRIES = 3 };
enum { RENDER, INPUT, NETWORK, PARTS };
static const char *const part_names[PARTS] = {"render", "input", "network"};
static const char *const part_counts[PARTS] = {"frames", "keys", "pages"};
static const char *const titles[TABS] = {"news", "mail", "music"};

/* What the threads of a tab report; the browser reads it. */
static struct tab {
	struct part {
		volatile pid_t tid;
		volatile uint64_t count;
		volatile bool stop, over;
	} parts[PARTS];
	volatile uint64_t due;	  /* time of the next frame */
	volatile uint64_t missed; /* missed frames, among those that were due */
	volatile bool filling;
	/* Used by the browser only. */
	pid_t pid; /* 0: it is dead */
} * tabs, *window;

static struct network {
	char name[64]; /* name of its socket; abstract, so no file remains (unix(7)) */
	pid_t pid;
	volatile uint64_t served;
} * network;

static pid_t browser;
static int keys_in[TABS] = {-1, -1, -1}, keys_out[TABS]; /* pipes for keys */
static bool one_process, watched;

/* --- a tab -------------------------------------------------------------------------------------
 */

/* Takes another MiB; if there is no more memory, aborts at once, as browsers do. */
static void fill(void)
{
	char *memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	memset(memory, 1, MIB);
}

static void *render(void *arg)
{
	struct tab *tab = arg;

	tab->parts[RENDER].tid = gettid();
	tab->due = lab_now_ns();
	while (getppid() == browser) {
		struct timespec due;
		uint64_t late;

		lab_spin(20000); /* the picture */
		if (tab->filling)
			fill();
		tab->parts[RENDER].count++;
		tab->due += PERIOD_NS;
		due = (struct timespec){tab->due / 1000000000, tab->due % 1000000000};
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			;
		late = (lab_now_ns() - tab->due) / PERIOD_NS;
		tab->missed += late;
		tab->due += late * PERIOD_NS;
	}
	return NULL;
}

static void *input(void *arg)
{
	struct tab *tab = arg;
	int *volatile nothing = NULL;
	char key;

	tab->parts[INPUT].tid = gettid();
	while (read(keys_out[tab - tabs], &key, 1) == 1) {
		tab->parts[INPUT].count++;
		if (key == 'c')
			*(volatile int *)nothing = 1;
		else if (key == 'm')
			tab->filling = true;
		else
			tab->parts[NETWORK].stop = true;
	}
	_exit(0); /* the browser has ended */
}

static void *fetch(void *arg)
{
	struct tab *tab = arg;
	struct part *me = &tab->parts[NETWORK];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int wire = socket(AF_UNIX, SOCK_STREAM, 0);
	uint64_t page;

	me->tid = gettid();
	strcpy(address.sun_path + 1, network->name);
	if (connect(wire, (struct sockaddr *)&address, sizeof(address)) == 0)
		while (!me->stop && write(wire, "GET", 3) == 3 &&
		       read(wire, &page, sizeof(page)) == sizeof(page)) {
			me->count++;
			usleep(PERIOD_NS / 1000);
		}
	close(wire);
	me->over = true;
	return NULL;
}

/* The process of one tab, or of all tabs; its first thread renders. */
static int be_tab(void *arg)
{
	struct tab *only = arg;
	struct rlimit limit = {0, 0};
	uint64_t size = 0;

	setrlimit(RLIMIT_CORE, &limit);
	for (int i = 0; i < TABS; i++) {
		close(keys_in[i]); /* so that the read ends when the browser ends */
		if (only && only != &tabs[i])
			continue;
		if (!only && i > 0)
			lab_thread("render", render, &tabs[i]);
		lab_thread("input", input, &tabs[i]);
		lab_thread("network", fetch, &tabs[i]);
	}
	lab_status(0, "VmSize", &size);
	limit.rlim_cur = limit.rlim_max = size * 1024 + ROOM;
	setrlimit(RLIMIT_AS, &limit);
	render(only ? only : tabs);
	return 0;
}

static int be_window(void *unused)
{
	(void)unused;
	render(window);
	return 0;
}

/* --- the network -------------------------------------------------------------------------------
 */

static int serve(void *arg)
{
	int listener = *(int *)arg, count = 1;
	struct pollfd wires[1 + 4 * TABS] = {{.fd = listener, .events = POLLIN}};

	while (getppid() == browser) {
		if (poll(wires, count, 500) <= 0)
			continue;
		for (int i = count - 1; i > 0; i--) {
			char request[3];

			if (!wires[i].revents)
				continue;
			if (read(wires[i].fd, request, sizeof(request)) > 0) {
				uint64_t page = ++network->served;

				(void)!write(wires[i].fd, &page, sizeof(page));
				continue;
			}
			close(wires[i].fd); /* its tab has closed the connection, or died */
			wires[i] = wires[--count];
		}
		if (wires[0].revents && count < (int)(sizeof(wires) / sizeof(*wires)))
			wires[count++] =
			    (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
	}
	return 0;
}

static void start_network(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(network->name, sizeof(network->name), "lab-browser.%d", browser);
	strcpy(address.sun_path + 1, network->name);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, TABS) < 0)
		lab_die("the network's socket %s: %s", network->name, strerror(errno));
	network->pid = lab_fork("network", serve, &listener);
	close(listener);
}

/* --- the browser -------------------------------------------------------------------------------
 */

static char lines[LINES][100]; /* what happened */
static int line_count;
static uint64_t start_ns;

static void say(const char *format, ...)
{
	char *line = lines[line_count++ % LINES];
	int n = sprintf(line, "%5.1f s  ", (lab_now_ns() - start_ns) / 1e9);
	va_list args;

	va_start(args, format);
	vsnprintf(line + n, sizeof(*lines) - n, format, args);
	va_end(args);
}

/* Frames that a tab has missed, including those that it has not drawn yet. */
static uint64_t missed(const struct tab *tab)
{
	uint64_t due = tab->due, now = lab_now_ns();

	return tab->missed + (now > due ? (now - due) / PERIOD_NS : 0);
}

static bool belongs(int tab, int which)
{
	return one_process || tab == which;
}

/* Starts one tab, or all tabs with --one-process. */
static void start_tab(int which)
{
	uint64_t deadline = lab_now_ns() + 20000000000ull;
	pid_t pid;

	for (int i = 0; i < TABS; i++) {
		int ends[2];
		uint64_t so_far;

		if (!belongs(i, which))
			continue;
		if (pipe(ends) < 0)
			lab_die("pipe: %s", strerror(errno));
		keys_in[i] = ends[1];
		keys_out[i] = ends[0];
		so_far = tabs[i].due ? missed(&tabs[i]) : 0;
		memset(&tabs[i], 0, sizeof(tabs[i]));
		tabs[i].missed = so_far;
		tabs[i].due = lab_now_ns();
	}
	pid = lab_fork(one_process ? "tabs" : titles[which], be_tab,
		       one_process ? NULL : &tabs[which]);
	for (int i = 0; i < TABS; i++) {
		if (!belongs(i, which))
			continue;
		close(keys_out[i]);
		for (int p = 0; p < PARTS; p++)
			while (!tabs[i].parts[p].tid) {
				if (lab_now_ns() > deadline)
					lab_die("tab %d did not start", i + 1);
				usleep(1000);
			}
		tabs[i].pid = pid;
	}
}

/* A key that does harm, and its effect. */
static struct event {
	char key;
	int tab;
	pid_t pid;
	uint64_t ns;		 /* time of the key */
	uint64_t due, missed;	 /* frames of the other tabs during the event */
	uint64_t window, served; /* missed by the window; pages by the network */
	uint64_t before[TABS];	 /* missed frames before; NONE: this tab does not count */
	bool died, over;	 /* its process died; the event has been judged */
	int signal, gone;	 /* signal that ended it; tabs that ended */
	pid_t came_back;
} events[EVENTS];
static int event_count;
#define NONE UINT64_MAX

static struct event *last_event(void)
{
	return event_count ? &events[event_count - 1] : NULL;
}

static const char *harm(char key)
{
	return key == 'c'   ? "crash: a null pointer"
	       : key == 't' ? "end one thread"
	       : key == 'k' ? "kill one thread"
			    : "fill the memory";
}

static const char *ending(int signal)
{
	return signal == SIGSEGV   ? "SIGSEGV"
	       : signal == SIGABRT ? "SIGABRT"
	       : signal == SIGKILL ? "SIGKILL"
				   : "ended";
}

static void look_for_deaths(void)
{
	for (int i = 0; i < TABS; i++) {
		struct event *e = last_event();
		pid_t pid = tabs[i].pid;
		int status, signal, gone = 0;

		if (!pid || waitpid(pid, &status, WNOHANG) != pid)
			continue;
		signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		for (int j = i; j < TABS; j++) {
			if (tabs[j].pid != pid)
				continue;
			tabs[j].pid = 0;
			close(keys_in[j]);
			keys_in[j] = -1;
			gone++;
		}
		say("process %d ended (%s): %d tab%s, %d threads", pid, ending(signal), gone,
		    gone == 1 ? "" : "s", gone * PARTS);
		if (e && e->pid == pid && !e->over) {
			e->died = true;
			e->signal = signal;
			e->gone = gone;
		}
	}
}

static uint64_t window_ns(void)
{
	return lab_pick(1000, 500) * 1000000ull;
}

/* Judges an event when the key has had its effect and, if not `at_once`, some time has passed: did
 * the other tabs miss frames? */
static void judge(struct event *e, bool at_once)
{
	uint64_t length = lab_now_ns() - e->ns;
	bool effect = e->key == 't' ? tabs[e->tab].parts[NETWORK].over : e->died;

	if (e->over || (length < window_ns() && !(at_once && effect)) ||
	    (!effect && length < 20000000000ull))
		return;
	e->over = true;
	for (int i = 0; i < TABS; i++)
		if (e->before[i] != NONE) {
			e->due += length / PERIOD_NS;
			e->missed += missed(&tabs[i]) - e->before[i];
		}
	e->window = missed(window) - e->window;
	e->served = network->served - e->served;
	say("the other tabs missed %d of %d frames, the window %d", (int)e->missed, (int)e->due,
	    (int)e->window);
}

/* The window misses frames only when the machine is busy with something else.  Then two tabs may
 * miss twice as many, and some more. */
static bool held_up(const struct event *e)
{
	return e->missed > TABS * e->window + e->due / 10;
}

static void tick(void)
{
	look_for_deaths();
	if (event_count)
		judge(last_event(), false);
}

static void reload(int which)
{
	pid_t before = tabs[which].pid;

	if (before)
		kill(before, SIGKILL);
	while (tabs[which].pid) {
		usleep(1000);
		look_for_deaths();
	}
	start_tab(which);
	for (int e = 0; e < event_count; e++)
		if (belongs(events[e].tab, which) && !events[e].came_back)
			events[e].came_back = tabs[which].pid;
	say("tab %d came back: process %d", which + 1, tabs[which].pid);
}

/* Does to a tab what the key says. */
static void act(char key, int which)
{
	struct event *e = &events[event_count];
	struct tab *tab = &tabs[which];

	look_for_deaths();
	if (event_count)
		judge(last_event(), true);
	if (event_count && !last_event()->over) {
		say("wait: the last key still has an effect");
	} else if (key == 'r') {
		reload(which);
	} else if (!tab->pid) {
		say("tab %d is dead; r reloads it", which + 1);
	} else if (key == 't' && tab->parts[NETWORK].over) {
		say("the network thread of tab %d has already ended; r reloads the tab", which + 1);
	} else if (event_count < EVENTS) {
		*e = (struct event){.key = key,
				    .tab = which,
				    .pid = tab->pid,
				    .ns = lab_now_ns(),
				    .window = missed(window),
				    .served = network->served};
		for (int i = 0; i < TABS; i++)
			e->before[i] = i != which && tabs[i].pid ? missed(&tabs[i]) : NONE;
		event_count++;
		say("tab %d: %s", which + 1, harm(key));
		if (key == 'k')
			syscall(SYS_tgkill, e->pid, tab->parts[INPUT].tid, SIGKILL);
		else
			(void)!write(keys_in[which], &key, 1);
	}
}

/* --- the live screen ---------------------------------------------------------------------------
 */

static void draw_tab(int i, bool chosen)
{
	const struct tab *tab = &tabs[i];
	uint64_t kib = 0;
	int at = tab->parts[RENDER].count % 20;

	lab_live_put(chosen ? LAB_BOLD : LAB_PLAIN, "%c%d %-6s", chosen ? '>' : ' ', i + 1,
		     titles[i]);
	if (tab->pid) {
		lab_status(tab->pid, "VmRSS", &kib);
		lab_live_put(LAB_GOOD, " process %-5d", tab->pid);
		lab_live_put(LAB_PLAIN, " %5.1f MiB", kib / 1024.0);
	} else {
		lab_live_put(LAB_BAD, " DEAD: r reloads it      ");
	}
	lab_live_line(tab->pid ? LAB_PLAIN : LAB_DIM, " %5d frames missed  [%*s%*s]",
		      (int)missed(tab), at + 1, tab->pid ? "#" : "x", 19 - at, "");
	for (int p = 0; p < PARTS; p++) {
		const struct part *part = &tab->parts[p];
		char state = tab->pid && !part->over ? lab_state(tab->pid, part->tid) : '-';

		lab_live_put(LAB_DIM, "     %-8s thread %-5d ", part_names[p], part->tid);
		lab_live_put(state == '-' ? LAB_BAD : LAB_GOOD, "%-7s",
			     state == 'R'   ? "runs"
			     : state == '-' ? "ended"
					    : "waits");
		lab_live_line(LAB_PLAIN, "%6d %s", (int)part->count, part_counts[p]);
	}
}

/* `unknown`: the last key, if it does nothing here; else 0. */
static void draw(int chosen, int unknown)
{
	int columns, rows, first;

	lab_live_begin(&columns, &rows);
	lab_live_put(LAB_BOLD, "A browser: %s",
		     one_process ? "all tabs in one process" : "each tab is a process");
	lab_live_line(LAB_PLAIN, ", three threads in each tab   %.0f s",
		      (lab_now_ns() - start_ns) / 1e9);
	for (int i = 0; i < TABS; i++)
		draw_tab(i, i == chosen);
	lab_live_line(LAB_PLAIN, " network  process %-5d %6d pages served", network->pid,
		      (int)network->served);
	lab_live_line(LAB_PLAIN, " window   process %-5d %6d frames missed", window->pid,
		      (int)missed(window));
	lab_live_put(LAB_DIM, "What happened:");
	if (unknown > ' ' && unknown < 0x7F)
		lab_live_put(LAB_WARN, "  '%c' does nothing here.", unknown);
	else if (unknown)
		lab_live_put(LAB_WARN, "  This key does nothing here.");
	lab_live_newline();
	rows -= 1 + TABS * (1 + PARTS) + 2 + 1 + 1; /* rows for the events */
	first = line_count > rows ? line_count - rows : 0;
	for (int i = first; i < first + rows; i++)
		lab_live_line(LAB_PLAIN, "%s", i < line_count ? lines[i % LINES] : "");
	lab_live_put(
	    LAB_BOLD,
	    "1-3 tab  c crash  k kill thread  t end thread  m fill memory  r reload  q leave");
	lab_live_end();
}

static void live(void)
{
	int chosen = 0, unknown = 0;

	for (;;) {
		uint64_t drawn = lab_now_ns(), past;
		int key = 0;

		tick();
		draw(chosen, unknown);
		/* Handle keys at once; draw ten times a second. */
		while ((past = (lab_now_ns() - drawn) / 1000000) < 100 && key != 'q') {
			key = lab_live_key(100 - past);
			if (!key)
				continue;
			unknown = 0;
			if (key >= '1' && key < '1' + TABS)
				chosen = key - '1';
			else if (strchr("cktmr", key))
				act(key, chosen);
			else
				unknown = key;
		}
		if (key == 'q')
			return;
	}
}

/* Presses the same keys without a terminal: each on another tab, which is then reloaded. */
static void script(void)
{
	static const char keys[] = "cktm";

	for (int k = 0; keys[k]; k++) {
		for (int try = 0; try < TRIES; try++) {
			act(keys[k], k % TABS);
			while (!last_event()->over) {
				tick();
				usleep(20000);
				lab_progress("keys", k, sizeof(keys) - 1);
			}
			reload(k % TABS);
			if (!held_up(last_event()) || one_process)
				break;
			if (try < TRIES - 1)
				event_count--; /* the machine was busy: try again */
		}
	}
}

/* --- the lab -----------------------------------------------------------------------------------
 */

static void show_tabs(void)
{
	struct lab_table *table =
	    lab_table("The processes, and their threads", "process|>PID|render|input|network");

	for (int i = 0; i < TABS; i++) {
		const struct part *p = tabs[i].parts;

		lab_row(table, "tab %d, %s|%d|TID %d|TID %d|TID %d", i + 1, titles[i], tabs[i].pid,
			p[RENDER].tid, p[INPUT].tid, p[NETWORK].tid);
	}
	lab_row(table, "network|%d|||TID %d", network->pid, network->pid);
	lab_row(table, "window|%d|TID %d||", window->pid, window->pid);
}

static void show_events(void)
{
	struct lab_table *table =
	    lab_table("What died, what survived, and what came back",
		      "key|effect|what ended|>others missed|>window|>served|came back as");

	for (int i = 0; i < event_count; i++) {
		const struct event *e = &events[i];
		char who[64] = "1 thread of 9", back[32] = "-";

		if (e->died)
			sprintf(who, "%d of 3 tabs (%s)", e->gone, ending(e->signal));
		if (e->came_back)
			sprintf(back, "%d, was %d", e->came_back, e->pid);
		lab_row(table, "%c|%s|%s|%d of %d|%d|%d|%s", e->key, harm(e->key), who,
			(int)e->missed, (int)e->due, (int)e->window, (int)e->served, back);
	}
	lab_note(
	    "Missed: frames that the two other tabs, or the window, did not draw in time while "
	    "the key had its effect. Served: pages that the network process served then.");
}

static void conclude(void)
{
	int deaths = 0, alone = 0, back = 0, unserved = 0, lost = 0, due = 0, window_lost = 0;

	for (int i = 0; i < event_count && events[i].over; i++) {
		const struct event *e = &events[i];

		deaths += e->died;
		alone += e->died && e->gone == 1;
		back += e->died && e->came_back;
		window_lost += e->window;
		unserved += e->due && !e->served;
		lost += e->missed;
		due += e->due;
	}
	if (!deaths || !due) {
		lab_verdict(LAB_NOT_SHOWN,
			    "No tab was crashed, or the lab ended too early after the crash.");
		return;
	}
	lab_check_equals(alone, deaths, "deaths",
			 "deaths that ended only one tab, with its three threads");
	/* The same bound as in held_up(), for all keys together. */
	lab_check_time_at_most(lost, TABS * window_lost + due / 10, "frames",
			       "frames that the other tabs missed, of %d (bound: %d times what the "
			       "window missed, and a tenth)",
			       due, TABS);
	lab_check_equals(unserved, 0, "", "keys during which the network process served no page");
	lab_check(kill(network->pid, 0) == 0, "the network process still exists");
	for (int i = 0; i < event_count; i++)
		if (events[i].key == 't')
			lab_check(!events[i].died, "a thread that returned did not end its tab");
	if (!watched)
		lab_check_equals(back, deaths, "tabs", "tabs that came back after a reload");
	lab_figure("tabs_lost", events[0].gone, "of 3", "tabs that ended after the first key");
	lab_figure("others_missed", 100.0 * lost / due, "%", "frames that the other tabs missed");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "%d of %d deaths ended only one tab; the other tabs missed %d of %d frames. "
		    "This "
		    "is a model: real browsers isolate by site, so that one tab can be several "
		    "processes, and give the network its own process, as this lab does.",
		    alone, deaths, lost, due);
	else
		lab_verdict(LAB_FALSE,
			    "%d of %d deaths ended only one tab; the other tabs missed %d of %d "
			    "frames.",
			    alone, deaths, lost, due);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	lab_wait(pid);
}

static void run(void)
{
	one_process = lab_knob("one-process");
	browser = getpid();
	tabs = lab_shared((TABS + 1) * sizeof(*tabs));
	window = &tabs[TABS];
	network = lab_shared(sizeof(*network));
	signal(SIGPIPE, SIG_IGN); /* do not die when writing to a tab that has just died */
	start_ns = lab_now_ns();
	start_network();
	window->pid = lab_fork("window", be_window, NULL);
	for (int i = 0; i < (one_process ? 1 : TABS); i++)
		start_tab(i);
	show_tabs();
	watched = lab_options.interactive && !lab_options.quick && lab_live_open();
	if (watched) {
		live();
		lab_live_close();
	} else {
		script();
	}
	show_events();
	conclude();
	for (int i = 0; i < TABS; i++)
		if (tabs[i].pid && (i == 0 || !one_process))
			end(tabs[i].pid);
	end(window->pid);
	end(network->pid);
}

static const struct lab_knob knobs[] = {
    {"one-process", NULL, "all tabs are threads of one process"},
    {0},
};

const struct lab lab = {
    .name = "browser",
    .claim = "A browser: each tab a process, for isolation and stability; in a tab, threads for "
	     "rendering, input and the network.",
    .loose = "This is a model. Real browsers isolate by site, not by tab, and give the network its "
	     "own process.",
    .predict = {.question = "A thread of one tab uses a null pointer. What ends?",
		.choices = {"only that thread", "that tab, with its three threads", "all tabs"},
		.answer = 1,
		.why = "The signal ends the process of the thread, and this process is the tab."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books =
	"Chrome: a process for the browser, one for each site's renderer, one for each "
	"plug-in; if one site crashes, only its process does (Silberschatz, 3.4, \"Multiprocess "
	"architecture\").",
    .sources = "kernel/task/dying.c signal_group_exit(), kernel/linux/socket/unix_socket.c, "
	       "kernel/vm (RLIMIT_AS)",
    .tour = "page-fault",
    .run = run,
};
