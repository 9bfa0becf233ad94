/* SPDX-License-Identifier: MIT
 *
 * hostile_elf [ROUNDS]: programs cut short and programs whose headers lie.  Each is executed in a
 * child: an error, an exit or a death by signal, never a hang.
 */
#include <elf.h>

#include "check.h"

static uint8_t *image;
static size_t image_size;
static int rounds = 150, runs;

static void load(void)
{
	int fd = MUST(open(self_path(), O_RDONLY));
	struct stat s;

	fstat(fd, &s);
	image_size = s.st_size;
	image = map(image_size);
	for (size_t done = 0; done < image_size;) {
		ssize_t n = read(fd, image + done, image_size - done);

		if (!CHECK(n > 0))
			exit(1);
		done += n;
	}
	close(fd);
	/* Debugging information is not needed: cut behind the last loaded byte. */
	Elf64_Ehdr *e = (void *)image;
	Elf64_Phdr *p = (void *)(image + e->e_phoff);
	size_t end = e->e_phoff + e->e_phnum * sizeof(*p);
	for (int i = 0; i < e->e_phnum; i++)
		if (p[i].p_offset + p[i].p_filesz > end)
			end = p[i].p_offset + p[i].p_filesz;
	image_size = end;
	e->e_shoff = e->e_shnum = e->e_shstrndx = 0;
}

/* Writes `size` bytes of it and executes them; the wait status. */
static int execute(const uint8_t *bytes, size_t size)
{
	char *const args[] = {"victim", "ok", NULL}, *const env[] = {NULL};
	int fd = open("victim", O_WRONLY | O_CREAT | O_TRUNC, 0755), status;
	pid_t pid;

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return -1;
	close(fd);
	runs++;
	pid = fork();
	if (pid == 0) {
		struct rlimit none = {0, 0}, memory = {512 << 20, 512 << 20};

		setrlimit(RLIMIT_CORE, &none);
		setrlimit(RLIMIT_AS, &memory);
		alarm(60);
		execve("victim", args, env);
		_exit(100);
	}
	status = wait_status(pid);
	CHECK(status != KILLED(SIGALRM));
	unlink("victim");
	return status;
}

static void whole(void)
{
	CHECK_EQ(execute(image, image_size), EXITED(55));
}

static void truncated(void)
{
	static const size_t sizes[] = {0,   1,	  3,	4,    5,    16,	  51,	63,
				       64,  65,	  100,	119,  120,  400,  511,	512,
				       513, 1000, 4095, 4096, 4097, 8192, 10000};

	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		CHECK(execute(image, sizes[i]) != EXITED(55));
	CHECK_EQ(execute(image, 0), EXITED(100));
	CHECK_EQ(execute(image, 63), EXITED(100));
	for (size_t size = image_size / 12; size < image_size; size += image_size / 12)
		execute(image, size);
}

/* Every field of both headers takes every one of these values. */
static void fields(void)
{
	static const uint64_t evil[] = {0,
					1,
					0x7f,
					0xfff,
					0x7fffffff,
					0xffffffff,
					1UL << 47,
					0x7fffffffffffffff,
					0xffffffff80000000,
					-4096UL,
					-1UL};
	static const uint8_t header[][2] = {{0, 1},  {4, 1},  {5, 1},  {6, 1},	{16, 2},
					    {18, 2}, {20, 4}, {24, 8}, {32, 8}, {48, 4},
					    {52, 2}, {54, 2}, {56, 2}};
	static const uint8_t segment[][2] = {{0, 4},  {4, 4},  {8, 8}, {16, 8},
					     {32, 8}, {40, 8}, {48, 8}};
	Elf64_Ehdr *e = (void *)image;
	uint8_t saved[8];

	for (size_t f = 0; f < COUNT_OF(header); f++)
		for (size_t v = 0; v < COUNT_OF(evil); v++) {
			uint8_t *at = image + header[f][0];

			memcpy(saved, at, 8);
			memcpy(at, &evil[v], header[f][1]);
			execute(image, image_size);
			memcpy(at, saved, 8);
		}
	for (int s = 0; s < e->e_phnum; s++)
		for (size_t f = 0; f < COUNT_OF(segment); f++)
			for (size_t v = s % 3; v < COUNT_OF(evil); v += 3) {
				uint8_t *at = image + e->e_phoff + s * 56 + segment[f][0];

				memcpy(saved, at, 8);
				memcpy(at, &evil[v], segment[f][1]);
				execute(image, image_size);
				memcpy(at, saved, 8);
			}
	CHECK_EQ(execute(image, image_size), EXITED(55));
}

static void at_random(void)
{
	uint8_t saved[512];
	uint32_t x = 12345;

	memcpy(saved, image, sizeof(saved));
	for (int i = 0; i < rounds; i++) {
		for (int k = 0; k < 4; k++) {
			x = x * 1664525 + 1013904223;
			image[(x >> 8) % 400] = x >> 24;
		}
		execute(image, image_size);
		memcpy(image, saved, sizeof(saved));
	}
}

/* Segments that lie over one another, over the stack, of another type. */
static void overlapping(void)
{
	Elf64_Ehdr *e = (void *)image;
	Elf64_Phdr *p = (void *)(image + e->e_phoff);
	uint8_t saved[1024];

	memcpy(saved, image, sizeof(saved));
	for (int i = 0; i < e->e_phnum; i++) {
		p[i] = p[0];
		execute(image, image_size);
		p[i].p_type = PT_LOAD;
		p[i].p_vaddr = 0x7ffffffde000;
		p[i].p_memsz = 0x40000;
		execute(image, image_size);
		p[i].p_type = PT_INTERP;
		p[i].p_offset = 0;
		p[i].p_filesz = 64;
		execute(image, image_size);
		p[i].p_type = PT_TLS;
		execute(image, image_size);
		memcpy(image, saved, sizeof(saved));
	}
	/* An interpreter that is itself, or not there. */
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"./victim", "/absent", "/"};

		strcpy((char *)image + 1000, names[i]);
		p[e->e_phnum - 1] = (Elf64_Phdr){.p_type = PT_INTERP,
						 .p_offset = 1000,
						 .p_filesz = strlen(names[i]) + 1,
						 .p_memsz = strlen(names[i]) + 1};
		/* The first really is one. */
		CHECK(i == 0 || execute(image, image_size) != EXITED(55));
		execute(image, image_size);
		memcpy(image, saved, sizeof(saved));
	}
}

static void still_alive(void)
{
	CHECK_EQ(execute(image, image_size), EXITED(55));
	CHECK(runs > 200);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "ok") == 0)
		return 55;
	check_start_in_directory();
	if (argc > 1)
		rounds = atoi(argv[1]);
	load();
	RUN(whole);
	RUN(truncated);
	RUN(fields);
	RUN(overlapping);
	RUN(at_random);
	RUN(still_alive);
	return check_end();
}
