/* SPDX-License-Identifier: MIT
 *
 * Reads data of the kernel from /proc: Linux's files and those that only Heddle has.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

char *lab_read(const char *path)
{
	size_t size = 0, room = 4096;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t n;

	if (file < 0)
		return NULL;
	text = must(malloc(room));
	while ((n = read(file, text + size, room - size - 1)) > 0 || (n < 0 && errno == EINTR)) {
		size += n > 0 ? n : 0;
		if (room - size < 2048)
			text = must(realloc(text, room *= 2));
	}
	close(file);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[size] = 0;
	return text;
}

bool lab_write(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
	ssize_t n;

	if (file < 0)
		return false;
	n = write(file, text, strlen(text));
	close(file);
	return n == (ssize_t)strlen(text);
}

/* Reads the value after `key` at the beginning of a line: "key value", "key: value kB", "key
 * 0xvalue". */
static bool value_in(const char *text, const char *key, uint64_t *value)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char *end;

		line += *line == '\n';
		if (strncmp(line, key, length) != 0 || !strchr(": \t", line[length]))
			continue;
		line += length + strspn(line + length, ": \t");
		*value = strtoull(line, &end, 0);
		return end != line;
	}
	return false;
}

bool lab_value(const char *path, const char *key, uint64_t *value)
{
	char *text = lab_read(path);
	bool found = text && value_in(text, key, value);

	free(text);
	return found;
}

bool lab_status(pid_t pid, const char *key, uint64_t *value)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid ? pid : getpid());
	return lab_value(path, key, value);
}

/* Asks the kernel: in a child made by clone(CLONE_VM) the C library may return the TID of the
 * parent, because it keeps the TID in memory. */
static pid_t own_tid(void)
{
	return syscall(SYS_gettid);
}

char lab_state(pid_t pid, pid_t tid)
{
	char path[64], *text, *end, state;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	text = lab_read(path);
	end = text ? strrchr(text, ')') : NULL; /* the name can contain ')' too */
	state = end && end[1] == ' ' ? end[2] : '-';
	free(text);
	return state;
}

/* Bits 0-54 of an entry are the frame number if bit 63 (present) is set (Linux
 * Documentation/admin-guide/mm/pagemap.rst).  Without the right to read them they are 0. */
bool lab_frame(pid_t pid, const void *address, uint64_t *frame)
{
	char path[64];
	uint64_t entry;
	ssize_t n;
	int file;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	else
		snprintf(path, sizeof(path), "/proc/%d/task/%d/pagemap", getpid(), own_tid());
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	n = pread(file, &entry, sizeof(entry), (uintptr_t)address / 4096 * sizeof(entry));
	close(file);
	if (n != sizeof(entry))
		return false;
	*frame = entry >> 63 ? entry & ((1ull << 55) - 1) : 0;
	return !(entry >> 63) || *frame;
}

/* /proc/heddle/PID/FILE, or /proc/heddle/PID/task/TID/FILE. */
static char *heddle_read(pid_t pid, pid_t tid, const char *file)
{
	char path[96];

	if (!pid)
		pid = getpid();
	if (tid)
		snprintf(path, sizeof(path), "/proc/heddle/%d/task/%d/%s", pid, tid, file);
	else
		snprintf(path, sizeof(path), "/proc/heddle/%d/%s", pid, file);
	return lab_read(path);
}

bool lab_space(pid_t pid, struct lab_space *space)
{
	char *text = heddle_read(pid, pid ? 0 : own_tid(), "space");
	bool all = text && value_in(text, "root", &space->root) &&
		   value_in(text, "table_frames", &space->table_frames) &&
		   value_in(text, "resident", &space->resident) &&
		   value_in(text, "copied", &space->copied) &&
		   value_in(text, "regions", &space->regions);

	free(text);
	return all;
}

bool lab_registers(pid_t pid, pid_t tid, struct lab_registers *registers)
{
	static const char *const names[] = {
	    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",    "r8",	  "r9",
	    "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags", "fs_base", "kernel_rsp"};
	char *text = heddle_read(pid, tid ? tid : (pid ? pid : getpid()), "registers");
	uint64_t *values = &registers->rax;
	bool all = text;

	memset(registers, 0, sizeof(*registers));
	for (size_t i = 0; all && i < sizeof(names) / sizeof(*names); i++)
		all = value_in(text, names[i], &values[i]);
	for (int i = 0; all && i < 16; i++) {
		char key[16], *at;

		/* 32 hexadecimal digits, the lowest byte first. */
		snprintf(key, sizeof(key), "\nxmm%d ", i);
		at = strstr(text, key);
		at = at ? at + strlen(key) : "";
		for (int byte = 0; byte < 16; byte++) {
			unsigned int b;

			if (sscanf(at + 2 * byte, "%2x", &b) != 1)
				break;
			registers->xmm[i][byte] = b;
		}
	}
	if (all) {
		const char *state = strstr(text, "\nstate ");

		registers->state = state ? state[7] : '?';
	}
	free(text);
	return all;
}

bool lab_ledger(pid_t pid, void (*fn)(const char *what, uint64_t frames, uint64_t bytes, void *arg),
		void *arg)
{
	char *text = heddle_read(pid, 0, "ledger"), *rest = text;
	bool any = false;

	for (char *line; text && (line = strtok_r(rest, "\n", &rest));) {
		uint64_t frames, bytes;
		char what[64];

		if (sscanf(line, "%63s %" SCNu64 " %" SCNu64, what, &frames, &bytes) != 3)
			continue;
		fn(what, frames, bytes, arg);
		any = true;
	}
	free(text);
	return any;
}

/* A counter of the machine; UINT64_MAX if the system does not show it. */
static uint64_t counter(const char *path, const char *key)
{
	uint64_t value;

	return lab_value(path, key, &value) ? value : UINT64_MAX;
}

void lab_counters(struct lab_counters *now)
{
	struct rusage usage;

	now->switches = counter("/proc/heddle/switches", "switches");
	if (now->switches == UINT64_MAX)
		now->switches = counter("/proc/stat", "ctxt");
	now->switches_root = counter("/proc/heddle/switches", "switches_root");
	now->cow_copies = counter("/proc/heddle/memory", "cow_copies");
	now->shootdowns = counter("/proc/heddle/tlb", "shootdowns");
	now->migrations = counter("/proc/heddle/switches", "migrations");
	now->futex_waits = counter("/proc/heddle/futex", "waits");
	now->futex_wakes = counter("/proc/heddle/futex", "wakes");
	now->futex_wakes_empty = counter("/proc/heddle/futex", "wakes_empty");
	now->system_calls = counter("/proc/heddle/self/counters", "system_calls");
	getrusage(RUSAGE_SELF, &usage);
	now->voluntary = usage.ru_nvcsw;
	now->involuntary = usage.ru_nivcsw;
}

struct lab_counters lab_counters_since(const struct lab_counters *before)
{
	const uint64_t *then = (const uint64_t *)before;
	struct lab_counters now;
	uint64_t *values = (uint64_t *)&now;

	lab_counters(&now);
	for (size_t i = 0; i < sizeof(now) / sizeof(*values); i++)
		values[i] = then[i] == UINT64_MAX ? UINT64_MAX : values[i] - then[i];
	return now;
}
