/* host-sources: kernel/linux/socket/sys_socket.c tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=1024 */
/* mutant: kernel/linux/socket/sys_socket.c: c.length < sizeof(c) || c.length > left => c.length <
 * sizeof(c) */
/* SPDX-License-Identifier: MIT
 *
 * The control data of socket messages.  Of what a program sends, only the bytes that it gave are
 * read, and no reference to a file is lost; what a program receives is a list that ends where the
 * kernel says, and names each descriptor that was made for it.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/socket/unix_socket_internal.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"
#include "tests/fuzz/fuzz.h"

#define MEMORY	4096
#define FILES	16
#define CONTROL 1024 /* where things are in the program's memory */
#define HEADER	64
#define NAME	512

struct msghdr { /* of the x86-64 ABI */
	u64 name;
	u32 name_length, pad0;
	u64 vector, vector_count;
	u64 control, control_length;
	u32 flags, pad1;
};

struct cmsghdr {
	u64 length;
	u32 level, type;
};

/* Of several threads: each use of a descriptor takes a reference, which must be returned. */
static struct process process = {.pid = 7, .thread_count = 2};
static struct thread thread = {.process = &process};
struct thread *host_thread = &thread;

static u8 memory[MEMORY] __aligned(64);
static u64 control_start, control_end; /* what may be touched of the control data */
static struct file files[FILES];
static s32 installed[64];
static u32 installed_count, sent, received;
static u8 answers;
static struct input *more;

static bool is_there(u64 address, size_t n)
{
	u64 at = address - (u64)memory;

	if (at >= MEMORY || n > MEMORY - at)
		return false;
	if (at >= CONTROL && n)
		HOLDS(at >= control_start && at + n <= control_end);
	return true;
}

int copy_from_user(void *dst, const void *from, size_t n)
{
	if (!is_there((u64)from, n))
		return -EFAULT;
	memcpy(dst, from, n);
	return 0;
}

int copy_to_user(void *to, const void *src, size_t n)
{
	if (!is_there((u64)to, n))
		return -EFAULT;
	memcpy(to, src, n);
	return 0;
}

/* --- Files and descriptors: descriptor n is file n -----------------------------------------------
 */

void file_put(struct file *f)
{
	HOLDS(f >= files && f < files + FILES && refcount_read(&f->refs) > 1);
	(void)!refcount_put(&f->refs);
}

struct file *fd_get_from(struct file_table *t, u32 fd, u32 refused)
{
	if (fd >= FILES - 1)
		return NULL;
	refcount_get(&files[fd].refs);
	return &files[fd];
}

int fd_install(struct file *f, u32 from, bool close_on_exec)
{
	answers = answers >> 1 | answers << 7;
	if (!(answers & 0x80) || installed_count == ARRAY_SIZE(installed)) {
		file_put(f);
		return -EMFILE;
	}
	installed[installed_count] = 100 + (s32)installed_count;
	file_put(f); /* it is the table's from now on */
	return installed[installed_count++];
}

int fd_close(u32 fd)
{
	HOLDS(installed_count && installed[installed_count - 1] == (s32)fd);
	installed_count--;
	return 0;
}

int fd_available(void)
{
	return 0;
}

int fd_install_pair(struct file *const f[2], bool close_on_exec, u64 user)
{
	return -EMFILE;
}

struct process *process_find(pid_t pid)
{
	return pid == 7 ? &process : NULL;
}

void process_put(struct process *p)
{
}

void socket_files_put(struct socket_files *list)
{
	for (u32 i = 0; list && i < list->count; i++)
		file_put(list->file[i]);
	kfree(list);
}

/* --- The socket
 * ------------------------------------------------------------------------------------ */

ssize_t unix_send(struct file *f, struct io_buffer *io, struct socket_message *m)
{
	sent++;
	HOLDS(!m->files || (m->files->count && m->files->count <= SOCKET_FILES_MAX));
	HOLDS(m->address.length <= UNIX_ADDRESS_EMPTY + UNIX_PATH_MAX);
	HOLDS(strnlen(m->address.path, sizeof(m->address.path)) < sizeof(m->address.path));
	HOLDS(!m->has_cred || m->cred.pid == 7);
	return 5;
}

ssize_t unix_receive(struct file *f, struct io_buffer *io, struct socket_message *m)
{
	u32 n = input_byte(more) % 40;

	m->truncated = n & 1;
	m->address.length = input_byte(more) % (UNIX_ADDRESS_EMPTY + UNIX_PATH_MAX + 1);
	m->address.family = AF_UNIX;
	memset(m->address.path, 0, sizeof(m->address.path));
	input_bytes(more, m->address.path, MAX(m->address.length, 2U) - 2);
	m->files = n ? kmalloc(sizeof(*m->files) + n * sizeof(struct file *)) : NULL;
	if (m->files)
		m->files->count = n;
	for (u32 i = 0; i < n && m->files; i++)
		m->files->file[i] = fd_get_from(NULL, i % 8, 0);
	received = m->files ? n : 0;
	return 3;
}

int unix_option_get(struct file *f, u32 option, u32 *value)
{
	*value = answers & 1;
	return 0;
}

int user_vector_get(struct user_vector *v, u64 user, u64 count)
{
	return count > IOV_MAX ? -EINVAL : 0;
}

void user_vector_put(struct user_vector *v)
{
}

bool unix_is_socket(const struct file *f)
{
	return true;
}

/* Not called here. */
struct socket *socket_of(const struct file *f)
{
	abort();
}
struct timeval timeval_of(u64 ns)
{
	abort();
}
struct file *unix_socket_create(u32 type, u32 flags)
{
	abort();
}
int unix_socket_pair(u32 type, u32 flags, struct file *pair[2])
{
	abort();
}
int unix_bind(struct file *f, const struct unix_address *address)
{
	abort();
}
int unix_listen(struct file *f, u32 backlog)
{
	abort();
}
struct file *unix_accept(struct file *f, u32 flags)
{
	abort();
}
int unix_connect(struct file *f, const struct unix_address *address)
{
	abort();
}
int unix_shutdown(struct file *f, u32 how)
{
	abort();
}
int unix_name(struct file *f, bool peer, struct unix_address *address)
{
	abort();
}
int unix_option_set(struct file *f, u32 option, u32 value)
{
	abort();
}
void unix_peer_cred(struct file *f, struct ucred *cred)
{
	abort();
}
u64 *unix_timeout(struct file *f, bool send)
{
	abort();
}

/* --- */

static struct msghdr *message_make(struct input *in)
{
	struct msghdr *h = (struct msghdr *)(memory + HEADER);
	u8 which = input_byte(in);
	u32 start = CONTROL + (which & 7), n = (u32)input_number(in, 2) % 600;

	*h = (struct msghdr){.control = (u64)memory + start,
			     .control_length = n,
			     .name = which & 8 ? (u64)memory + NAME : 0,
			     .name_length = input_byte(in)};
	control_start = start;
	control_end = start + n;
	if (which & 16) /* more than there is: the end of the memory */
		h->control_length = (control_end = MEMORY) - start;
	if (which & 32)
		h->control_length = input_number(in, 4);
	if (which & 32)
		control_end = MEMORY;
	input_bytes(in, memory + start, n);
	memset(memory + NAME, 'n', 128);
	memory[NAME + 1] = 0;
	return h;
}

static void check_received(const struct msghdr *h, u64 result)
{
	u64 at = control_start, end = at + h->control_length, told = 0;

	if ((s64)result < 0)
		return;
	HOLDS(end <= control_end);
	while (at + sizeof(struct cmsghdr) <= end) {
		struct cmsghdr c;
		u64 n;

		memcpy(&c, memory + at, sizeof(c));
		HOLDS(c.level == 1 && c.length >= sizeof(c) && c.length <= end - at);
		n = c.length - sizeof(c);
		HOLDS(c.type == 1 || (c.type == 2 && n <= sizeof(struct ucred)));
		for (u32 i = 0; c.type == 1 && i < n / 4; i++) {
			s32 fd;

			memcpy(&fd, memory + at + sizeof(c) + 4 * i, 4);
			HOLDS(told < installed_count && fd == installed[told]);
			told++;
		}
		at += ALIGN_UP(c.length, 8UL);
	}
	HOLDS(told == installed_count);
	HOLDS(told == received || h->flags & MSG_CTRUNC);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	u8 way = input_byte(&in);
	struct msghdr *h;

	memset(memory, 0, sizeof(memory));
	for (u32 i = 0; i < FILES; i++)
		refcount_init(&files[i].refs, 1);
	installed_count = received = 0;
	answers = input_byte(&in) | (way & 2 ? 0 : 0xfe);
	fail_after = way & 4 ? 1 : 0;
	h = message_make(&in);
	more = &in;
	if (way & 1) {
		(void)sys_sendmsg(3, (u64)h, 0, 0, 0, 0);
		HOLDS(!installed_count);
	} else {
		check_received(h, (u64)sys_recvmsg(3, (u64)h, 0, 0, 0, 0));
	}
	fail_after = 0;
	for (u32 i = 0; i < FILES; i++)
		HOLDS(refcount_read(&files[i].refs) == 1);
	HOLDS(!live_objects);
	return 0;
}
