/* host-sources: kernel/fs/path.c kernel/fs/names.c kernel/fs/directory.c kernel/fs/inode.c
 * kernel/linux/names/link.c kernel/linux/names/rename.c kernel/lib/treap.c
 * tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=768 */
/* mutant: kernel/linux/names/rename.c: if (is_ancestor(source, new->dir)) => if (source ==
 * new->dir) */
/* SPDX-License-Identifier: MIT
 *
 * Names: paths with links, ".", ".." and a mount, and all calls that change names, compared with a
 * simple tree that is searched by recursion.  Each call has the same result in both, both trees are
 * the same afterwards, and what has lost its last name is freed.
 */
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/names/names.h"
#include "kernel/mem/slab.h"
#include "kernel/task/process.h"
#include "tests/fuzz/fuzz.h"

#define NODES	  128
#define LINKS_MAX 40

/* --- What the kernel has around it
 * ---------------------------------------------------------------- */

static struct fs_context context;
static struct process process = {.fs = &context};
static struct thread thread = {.process = &process};
struct thread *host_thread = &thread;

void page_stats_read(struct page_stats *stats)
{
	*stats = (struct page_stats){.total = 1000};
}

void vm_object_put(struct vm_object *object)
{
}

void file_put(struct file *f)
{
}

static ssize_t host_readlink(struct inode *link, char *buf, size_t size)
{
	size_t n = MIN(link->size, size);

	memcpy(buf, link->private, n);
	return (ssize_t)n;
}

static const struct inode_ops link_ops = {.readlink = host_readlink};

/* As the kernel's, but files have no content. */
struct inode *ramfs_inode(struct superblock *sb, u32 mode, u64 rdev, const char *target)
{
	struct inode *inode = inode_create(sb, mode, S_ISLNK(mode) ? &link_ops : NULL, NULL);

	if (!IS_ERR(inode) && S_ISLNK(mode)) {
		inode->size = strlen(target);
		inode->private = memcpy(kmalloc(inode->size + 1), target, inode->size + 1);
	}
	return inode;
}

/* --- The simple tree
 * ------------------------------------------------------------------------------- */

/* A name; several may have one file. */
struct node {
	bool used;
	char name[16];
	s32 parent, file; /* `file`: where kind, target and links are */
	u32 kind, links;
	char target[32];
	s32 root_here; /* the directory that is mounted here; -1: none */
	bool is_root;
	u64 inode; /* of the kernel, for the comparison */
};
static struct node nodes[NODES];
#define ROOT	0
#define MOUNT	1 /* /m, and what is mounted there: */
#define MOUNTED 2

static s32 node_new(s32 parent, const char *name, size_t length, u32 kind)
{
	for (s32 i = 0; i < NODES; i++)
		if (!nodes[i].used) {
			nodes[i] = (struct node){.used = true,
						 .parent = parent,
						 .file = i,
						 .kind = kind,
						 .links = 1,
						 .root_here = -1};
			memcpy(nodes[i].name, name, length);
			return i;
		}
	return -1;
}

static s32 child(s32 dir, const char *name, size_t length)
{
	for (s32 i = 0; i < NODES; i++)
		if (nodes[i].used && i != dir && nodes[i].parent == dir && !nodes[i].is_root &&
		    strlen(nodes[i].name) == length && !memcmp(nodes[i].name, name, length))
			return i;
	return -1;
}

static bool has_children(s32 dir)
{
	for (s32 i = 0; i < NODES; i++)
		if (nodes[i].used && i != dir && nodes[i].parent == dir && !nodes[i].is_root)
			return true;
	return false;
}

static u32 kind_of(s32 node)
{
	return nodes[nodes[node].file].kind;
}

/* The result of a search. */
struct found {
	s32 dir, node; /* -1: the name does not exist in `dir` */
	const char *name;
	size_t length;
	bool slash, dot;
};

static s32 up(s32 dir)
{
	if (dir == MOUNTED)
		dir = MOUNT;
	return nodes[dir].parent;
}

/* The paths after links.  A call with two paths has two sets of them: names point into them. */
static char texts[2][LINKS_MAX + 2][8192];
static u32 set;

/* Search `path` from `dir`.  `follow`: a link at the end, too; `follow_slash`: if a slash follows
 * it. */
static int search(s32 dir, const char *path, bool follow, bool follow_slash, u32 links,
		  struct found *f)
{
	size_t length;

	for (;;) {
		s32 next;
		bool last;

		while (*path == '/')
			path++;
		for (length = 0; path[length] && path[length] != '/'; length++)
			;
		*f = (struct found){dir, dir, path, length, false, true};
		f->slash = path[length] == '/' || !length;
		if (!length)
			return 0;
		path += length;
		last = true;
		for (const char *p = path; *p; p++)
			last &= *p == '/';
		if (kind_of(dir) != S_IFDIR)
			return -ENOTDIR;
		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		if (length == 1 && *f->name == '.') {
			next = dir;
		} else if (length == 2 && !memcmp(f->name, "..", 2)) {
			next = up(dir);
		} else {
			f->dot = false;
			next = child(dir, f->name, length);
		}
		f->node = next;
		if (next < 0)
			return last ? 0 : -ENOENT;
		if (!f->dot && nodes[next].root_here >= 0)
			f->node = next = nodes[next].root_here;
		if (kind_of(next) == S_IFLNK && (!last || follow || (f->slash && follow_slash))) {
			const char *target = nodes[nodes[next].file].target;
			char *text = texts[set][links + 1];
			size_t n = strlen(target), rest = strlen(path) + 1;

			if (links == LINKS_MAX)
				return -ELOOP;
			if (n + rest >= 8192)
				return -ENAMETOOLONG;
			memcpy(text, target, n);
			memcpy(text + n, path, rest);
			return search(*text == '/' ? ROOT : dir, text, follow, follow_slash,
				      links + 1, f);
		}
		if (last)
			return 0;
		dir = next;
	}
}

static int find(const char *path, bool follow, bool follow_slash, struct found *f)
{
	return *path ? search(ROOT, path, follow, follow_slash, 0, f) : -ENOENT;
}

static int simple_lookup(const char *path, bool follow, s32 *node)
{
	struct found f;
	int error = find(path, follow, true, &f);

	if (error)
		return error;
	if (f.node < 0)
		return -ENOENT;
	*node = f.node;
	return f.slash && kind_of(f.node) != S_IFDIR ? -ENOTDIR : 0;
}

static int find_new(const char *path, bool directory, struct found *f)
{
	int error = find(path, false, false, f);

	if (error)
		return error;
	if (f->dot || f->node >= 0)
		return -EEXIST;
	return f->slash && !directory ? -ENOENT : 0;
}

static int simple_make(const char *path, u32 kind, const char *target)
{
	struct found f;
	int error = kind == S_IFLNK && !*target ? -ENOENT : find_new(path, kind == S_IFDIR, &f);
	s32 node;

	if (error)
		return error;
	node = node_new(f.dir, f.name, f.length, kind);
	if (target)
		memcpy(nodes[node].target, target, strlen(target) + 1);
	return 0;
}

static void drop(s32 node)
{
	s32 file = nodes[node].file;

	nodes[file].links--;
	if (node != file) {
		nodes[node].used = false;
	} else if (nodes[file].links) {
		nodes[node].parent = -1; /* it keeps the file for its other names */
	} else {
		nodes[node].used = false;
	}
	if (!nodes[file].links)
		nodes[file].used = false;
}

static bool covers(s32 node)
{
	return node == MOUNT;
}

static int simple_unlink(const char *path, bool directory)
{
	struct found f;
	int error = find(path, false, false, &f);
	s32 node;

	if (error)
		return error;
	if (f.dot)
		return !directory      ? -EISDIR
		       : !f.length     ? -EBUSY
		       : f.length == 1 ? -EINVAL
				       : -ENOTEMPTY;
	node = child(f.dir, f.name, f.length);
	if (node < 0)
		return -ENOENT;
	if (!directory && kind_of(node) == S_IFDIR)
		return -EISDIR;
	if (kind_of(node) != S_IFDIR && (directory || f.slash))
		return -ENOTDIR;
	if (covers(node))
		return -EBUSY;
	if (kind_of(node) == S_IFDIR && has_children(node))
		return -ENOTEMPTY;
	drop(node);
	return 0;
}

static s32 system_of(s32 dir)
{
	while (!nodes[dir].is_root)
		dir = nodes[dir].parent;
	return dir;
}

static int simple_link(const char *old, const char *new, bool follow)
{
	struct found f;
	s32 target, node;
	int error = simple_lookup(*old ? old : ".", follow, &target);

	if (!error)
		error = find_new(new, false, &f);
	if (error)
		return error;
	target = nodes[target].file;
	if (system_of(kind_of(target) == S_IFDIR || nodes[target].parent < 0
			  ? (kind_of(target) == S_IFDIR ? target : f.dir)
			  : nodes[target].parent) != system_of(f.dir))
		return -EXDEV;
	if (kind_of(target) == S_IFDIR)
		return -EPERM;
	node = node_new(f.dir, f.name, f.length, 0);
	nodes[node].file = target;
	nodes[target].links++;
	return 0;
}

static bool above(s32 node, s32 dir)
{
	while (dir != node && !nodes[dir].is_root)
		dir = nodes[dir].parent;
	return dir == node;
}

static int simple_rename(const char *old, const char *new, u32 flags)
{
	struct found from, to;
	int error = find(old, false, false, &from);
	s32 source, target;
	bool directory;

	set = 1;
	if (!error)
		error = find(new, false, false, &to);
	set = 0;
	if (error)
		return error;
	if (from.dot || to.dot)
		return to.dot && flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (system_of(from.dir) != system_of(to.dir))
		return -EXDEV;
	source = child(from.dir, from.name, from.length);
	target = child(to.dir, to.name, to.length);
	if (source < 0)
		return -ENOENT;
	directory = kind_of(source) == S_IFDIR;
	if (target >= 0 && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (target < 0 && flags & RENAME_EXCHANGE)
		return -ENOENT;
	if ((from.slash || (to.slash && !(flags & RENAME_EXCHANGE))) && !directory)
		return -ENOTDIR;
	if (to.slash && flags & RENAME_EXCHANGE && kind_of(target) != S_IFDIR)
		return -ENOTDIR;
	if (directory && above(source, to.dir))
		return -EINVAL;
	if (target >= 0 && kind_of(target) == S_IFDIR && above(target, from.dir))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (covers(source) || (target >= 0 && covers(target)))
		return -EBUSY;
	if (target >= 0 && directory != (kind_of(target) == S_IFDIR) && !(flags & RENAME_EXCHANGE))
		return directory ? -ENOTDIR : -EISDIR;
	if (target >= 0 && nodes[source].file == nodes[target].file)
		return 0;
	if (flags & RENAME_EXCHANGE) {
		struct node old_place = nodes[source];

		nodes[source].parent = nodes[target].parent;
		memcpy(nodes[source].name, nodes[target].name, sizeof(old_place.name));
		nodes[target].parent = old_place.parent;
		memcpy(nodes[target].name, old_place.name, sizeof(old_place.name));
		return 0;
	}
	if (target >= 0 && kind_of(target) == S_IFDIR && has_children(target))
		return -ENOTEMPTY;
	if (target >= 0)
		drop(target);
	nodes[source].parent = to.dir;
	memset(nodes[source].name, 0, sizeof(nodes[source].name));
	memcpy(nodes[source].name, to.name, to.length);
	return 0;
}

/* --- Both
 * ------------------------------------------------------------------------------------------ */

/* The directory of the kernel is that of the simple tree.  Returns how many inodes it has below. */
static u32 compare(struct inode *dir, s32 node)
{
	char name[NAME_MAX + 1], path[256], *p = path + sizeof(path);
	u64 position = 0, ino;
	u32 mode, names = 0, wanted = 0;

	nodes[node].inode = (u64)dir;
	while (directory_next(dir, &position, name, &ino, &mode)) {
		struct inode *inode = directory_lookup(dir, name, strlen(name));
		s32 c = child(node, name, strlen(name)), file;

		HOLDS(!IS_ERR(inode) && c >= 0 && inode->ino == ino && inode->mode == mode);
		file = nodes[c].file;
		HOLDS((mode & S_IFMT) == nodes[file].kind);
		HOLDS(S_ISDIR(mode) ? inode->parent == dir : inode->nlink == nodes[file].links);
		HOLDS(!S_ISLNK(mode) || (inode->size == strlen(nodes[file].target) &&
					 !memcmp(inode->private, nodes[file].target, inode->size)));
		names++;
		if (S_ISDIR(mode))
			compare(inode, c);
		inode_put(inode);
	}
	for (s32 i = 0; i < NODES; i++)
		wanted +=
		    nodes[i].used && i != node && nodes[i].parent == node && !nodes[i].is_root;
	HOLDS(names == wanted);
	*--p = 0;
	for (s32 n = node; n != ROOT; n = up(n)) {
		const char *text = nodes[n == MOUNTED ? MOUNT : n].name;

		if (strlen(text) + 1 > (size_t)(p - path))
			return 0;
		p -= strlen(text) + 1;
		*p = '/';
		memcpy(p + 1, text, strlen(text));
	}
	if (!*p)
		*--p = '/';
	{
		char told[256];

		HOLDS(vfs_path_of(dir, told, sizeof(told)) == (s64)strlen(p) && !strcmp(told, p));
		HOLDS(vfs_path_of(dir, told, strlen(p)) == -ERANGE);
	}
	return names;
}

static void empty(struct inode *dir)
{
	char name[NAME_MAX + 1];
	u64 ino, position = 0;
	u32 mode;

	while (directory_next(dir, &position, name, &ino, &mode)) {
		struct inode *inode = directory_lookup(dir, name, strlen(name));

		if (S_ISDIR(mode) && !inode->mounted)
			empty(inode);
		inode->mounted = NULL;
		inode_put(inode);
		HOLDS(!vfs_unlink(dir, name, S_ISDIR(mode)));
	}
}

/* A path of few names, so that they meet: a byte for a component, or for a part of one. */
static void path_make(struct input *in, char *to, u32 most)
{
	static const char *const parts[] = {"/",  "a",	"/b", "/c", "/..", "/.", "//",
					    "/m", "/a", "..", ".",  "l",   "/l", "b/"};
	u32 n = input_byte(in) % 8, at = 0;

	while (n--) {
		const char *part = parts[input_byte(in) % ARRAY_SIZE(parts)];

		if (at + strlen(part) >= most)
			break;
		memcpy(to + at, part, strlen(part));
		at += (u32)strlen(part);
	}
	to[at] = 0;
	for (u32 i = 0, length = 0; i < at; i++) { /* no name that a node cannot hold */
		length = to[i] == '/' ? 0 : length + 1;
		if (length > 14)
			to[i] = '/';
	}
}

static bool is_full(void)
{
	u32 n = 0;

	for (s32 i = 0; i < NODES; i++)
		n += nodes[i].used;
	return n > NODES - 2;
}

static void one_call(struct input *in)
{
	char path[64], second[32];
	u8 what = input_byte(in), flags = what >> 3 & 3;
	s32 node = -1;
	struct inode *inode;
	int wanted, got;

	path_make(in, path, sizeof(path));
	path_make(in, second, sizeof(second));
	if (is_full())
		what = 3;
	switch (what % 8) {
	case 0:
		wanted = simple_make(path, S_IFDIR, NULL);
		got = vfs_create(NULL, path, S_IFDIR | 0755, 0);
		break;
	case 1:
		wanted = simple_make(path, S_IFREG, NULL);
		got = vfs_create(NULL, path, S_IFREG | 0644, 0);
		break;
	case 2:
		wanted = simple_make(path, S_IFLNK, second);
		got = vfs_symlink(NULL, path, second);
		break;
	case 3:
	case 4:
		wanted = simple_unlink(path, what & 1);
		got = vfs_unlink(NULL, path, what & 1);
		break;
	case 5:
		wanted = simple_link(path, second, what & 8);
		got = vfs_link(NULL, path, NULL, second, what & 8 ? AT_SYMLINK_FOLLOW : 0);
		break;
	case 6:
		wanted = simple_rename(path, second, flags % 3);
		got = vfs_rename(NULL, path, NULL, second, flags % 3);
		break;
	default:
		wanted = simple_lookup(path, what & 8, &node);
		inode = vfs_lookup(NULL, path, what & 8 ? 0 : AT_SYMLINK_NOFOLLOW);
		got = IS_ERR(inode) ? (int)PTR_ERR(inode) : 0;
		if (!got) {
			HOLDS(wanted || (inode->mode & S_IFMT) == kind_of(node));
			HOLDS(wanted || !S_ISDIR(inode->mode) || (u64)inode == nodes[node].inode);
			inode_put(inode);
		}
	}
	if (wanted != got)
		dprintf(2, "call %u of %s and %s: %d, wanted %d\n", what % 8, path, second, got,
			wanted);
	HOLDS(wanted == got);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	struct superblock *mounted;
	struct inode *m;

	if (!vfs_root_superblock) {
		inode_init();
		mutex_init(&context.lock, NULL);
		vfs_root_superblock = superblock_create("ramfs", 1, 0755);
	}
	memset(nodes, 0, sizeof(nodes));
	HOLDS(node_new(0, "", 0, S_IFDIR) == ROOT && node_new(ROOT, "m", 1, S_IFDIR) == MOUNT);
	HOLDS(node_new(MOUNT, "", 0, S_IFDIR) == MOUNTED);
	nodes[ROOT].is_root = nodes[MOUNTED].is_root = true;
	nodes[MOUNT].root_here = MOUNTED;
	HOLDS(!vfs_create(NULL, "/m", S_IFDIR | 0755, 0));
	m = vfs_lookup(NULL, "/m", 0);
	mounted = superblock_create("tmpfs", 1, 0755);
	mounted->covered = m;
	m->mounted = mounted->root;
	compare(vfs_root_superblock->root, ROOT);
	compare(mounted->root, MOUNTED);
	while (input_left(&in)) {
		one_call(&in);
		compare(vfs_root_superblock->root, ROOT);
		compare(mounted->root, MOUNTED);
	}
	empty(mounted->root);
	mounted->root->parent = NULL; /* itself: the kernel never frees the root of a file system */
	inode_put(mounted->root);
	kfree(mounted);
	empty(vfs_root_superblock->root);
	inode_put(m);
	HOLDS(live_objects == 2); /* the root and its file system */
	return 0;
}
