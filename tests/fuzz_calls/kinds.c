/* SPDX-License-Identifier: MIT
 *
 * The kinds of arguments, each a list of alternatives between bars.
 *
 *   $kind  one alternative of that kind     %kind  one to three of them, added
 *   $random, $result  a random number; the result of an earlier line, as r2
 *
 * What is left is the argument, as resolve.c reads it: numbers and names (names.h), which may be
 * added; @file, a descriptor; buf, end, ... an address; "text", a string; [a,b,c], an array of
 * 64-bit words, of which a:b is two of 32 bits; ^[a,b], the same at the end of a page.
 */
#include "fuzz.h"

#include <string.h>

struct kind {
	const char *name, *alternatives;
};

/* clang-format off */
static const struct kind kinds[] = {
    {"int", "0|1|2|3|7|8|16|64|100|255|4095|4096|65535|0x7fffffff|0x80000000|0xffffffff|-1|-2|"
	"0x100000000|0x7fffffffffffffff|0x8000000000000000|$random"},
    {"small", "0|1|2|3|4|5|8|16|32|64"},
    {"len", "0|1|7|8|16|100|4095|4096|4097|8192|65536|0x10000|0x100000|0x7fffffff|0x80000000|"
	"0xffffffff|-1|-4096|0x7ffffffff000|0x7fffffffffffffff|$random"},
    {"ok_len", "1|8|16|100|4096|5000|65536|$len"},
    {"off", "0|0|1|100|4095|4096|8192|100000|0x7fffffff|-1|0x7fffffffffffffff|"
	"0x7ffffffffffff000|$int"},
    {"fd", "$result|$result|@file|@file|@dir|@pipe|@pipe.w|@stream|@stream2|@dgram|@listen|"
	"@epoll|@event|@timer|@signal|@ptm|@pts|@pidfd|@memfd|@mq|@proc|@null|@path|@tmp|@fifo|-1|"
	"-100|999|0x7fffffff"},
    {"pipefd", "@pipe|@pipe.w|@fifo|$result|$fd"},
    {"sock", "@stream|@stream2|@dgram|@listen|$result|$fd"},
    {"dirfd", "-100|-100|-100|@dir|@path|$fd"},
    {"out", "buf|buf+100|buf+4090|lazy|cow|end-8|end-1|end-100|ro|none|hole|null|kernel|"
	"noncanon|shm|beyond|-1|code"},
    {"in", "buf|buf+1|buf+4000|cow|end-16|end-1|ro|none|hole|null|kernel|noncanon|shm|beyond|"
	"lazy"},
    {"area", "area|area+0x1000|area+0x3000|area+0x10000|lazy|cow|shm|ro|none|hole|null|kernel|"
	"noncanon|beyond|end|$result|buf+1|code"},
    {"arealen", "0x1000|0x1000|0x2000|0x4000|0x10000|0x20000|0|1|0x1001|$len"},
    {"addr", "null|null|null|area|area+0x2000|hole|0x10000|0x1000|0x7ffffffff000|"
	"0x7fffffffe000|-4096|1"},
    {"proc", "\"/proc/self/maps\"|\"/proc/self/fd/1\"|\"/proc/self/exe\"|"
	"\"/proc/self/cmdline\"|\"/proc/self/task\"|\"/proc/self/root/tmp\"|\"/proc/self/status\"|"
	"\"/proc/self/smaps\"|\"/proc/self/stat\"|\"/proc/self/limits\"|\"/proc/self/mounts\"|"
	"\"/proc/self/mem\"|\"/proc/self/fdinfo/10\"|\"/proc/self/auxv\"|\"/proc/self/comm\"|"
	"\"/proc/self/pagemap\"|\"/proc/self/wchan\"|\"/proc/self\"|\"/proc\"|\"/proc/self/fd\"|"
	"\"/proc/self/task/self/stat\"|\"/proc/$small/stat\"|\"/proc/1/status\"|\"/proc/meminfo\"|"
	"\"/proc/cpuinfo\"|\"/proc/stat\"|\"/proc/interrupts\"|\"/proc/locks\"|\"/proc/sysvipc/shm\"|"
	"\"/proc/net/unix\"|\"/proc/heddle/slab\"|\"/proc/heddle/switches\"|\"/proc/heddle/stacks\"|"
	"\"/proc/self/counters\"|\"/proc/self/registers\"|\"/sys/kernel/tracing/trace\"|"
	"\"/sys/devices/system/cpu/online\"|\"/dev/mqueue\""},
    {"path", "\"a\"|\"b\"|\"d\"|\"d/a\"|\"d/b\"|\"d/../a\"|\"l\"|\".\"|\"\"|\"/\"|$proc|$proc|"
	"$proc|\"/dev/null\"|\"/dev/zero\"|\"/dev/full\"|\"/dev/ptmx\"|\"/dev/tty\"|\"/dev/urandom\"|"
	"\"/dev/pts/0\"|\"/tmp\"|\"/nope/x\"|\"a/\"|\"s\"|\"f\"|end-3|null|none|hole|kernel|buf|ro"},
    {"new", "\"a\"|\"b\"|\"d\"|\"d/a\"|\"d/b\"|\"d/e\"|\"l\"|\"l/a\"|\"s\"|\"f\"|\".\"|\"..\"|"
	"\"\"|\"./a\"|\"d/\"|end-3|null|kernel|buf"},
    {"target", "\"a\"|\"l\"|\"d\"|\"d/../d\"|\"/nope/x\"|\"\"|\"d/a\"|\".\""},
    {"mode", "0x1ff|0x180|0x1a4|0|0xfff|$int"},
    {"open", "O_RDONLY|O_WRONLY|O_RDWR|O_RDWR|O_CREAT|O_CREAT|O_EXCL|O_TRUNC|O_APPEND|"
	"O_NONBLOCK|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC|O_PATH|O_TMPFILE"},
    {"at", "0|AT_SYMLINK_NOFOLLOW|AT_REMOVEDIR|AT_SYMLINK_FOLLOW|AT_EMPTY_PATH|$int"},
    {"fdflags", "0|O_NONBLOCK|O_CLOEXEC|O_DIRECT"},
    {"prot", "0|PROT_READ|PROT_WRITE|PROT_WRITE|PROT_EXEC|0x1000000"},
    {"map", "MAP_PRIVATE|MAP_PRIVATE|MAP_SHARED|MAP_ANONYMOUS|MAP_ANONYMOUS|MAP_FIXED|"
	"MAP_POPULATE|MAP_GROWSDOWN|MAP_NORESERVE|MAP_LOCKED|MAP_FIXED_NOREPLACE|MAP_STACK|3|$int"},
    {"advice", "0|1|2|3|4|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22|23|100|$int"},
    {"remap", "0|1|1|3|2|5|4|$int"},
    {"ns", "0|1000|100000|2000000|999999999|1000000000|-1|$int"},
    {"ts", "[0,$ns]|[0,1000000]|^[0,100000]|[$small,$ns]|[$int,$int]|null|end-8|kernel|none"},
    {"its", "[0,0,0,$ns]|[0,1000000,0,1000000]|^[0,0,0,1]|[$int,$int,$int,$int]|null|end-16|"
	"[0,1,0,1]"},
    {"clock", "0|1|2|3|4|5|6|7|8|9|11|-2|-6|$int"},
    {"clocked", "0|1|7|1|$clock"},
    {"pid", "0|self|self|child|tid1|tid2|$result|-1|1|999999|$int"},
    {"sig", "0|1|2|9|10|12|14|15|17|18|19|20|23|32|34|35|64|65|$int"},
    {"soft", "0|10|12|17|18|23|28|34|35|64|$sig"},
    {"set", "[0]|[-1]|[0x200]|[0x7fffffffffffffff]|^[0x20a00]|[$random]|null|end-4|kernel"},
    {"setsize", "8|8|8|8|8|0|4|16|$int"},
    {"how", "0|1|2|3|$int"},
    {"action", "[handler,0x14000000,restorer,0]|[handler,0x5c000004,restorer,-1]|[1,0,0,0]|"
	"[0,0,0,0]|[$int,$int,$int,$int]|null|end-16|^[handler,0x04000002,restorer,0x200]"},
    {"stack", "[area,0,0x4000]|[buf,2,0]|[end-0x1000,0,0x1000]|[$area,$small,$len]|null|"
	"^[lazy,0x80000000,0x2000]"},
    {"iov", "[buf,100,cow,50]|[buf,$len,$out,$len]|^[buf,8,end-8,8]|[end-8,16,buf,8]|"
	"[null,0,buf,$ok_len]|[kernel,8]|[buf,-1]|null|end-8"},
    {"iovcnt", "1|2|2|0|3|1024|1025|-1|$int"},
    {"sockaddr", "'\\x01\\x00a'|'\\x01\\x00b'|'\\x01\\x00\\x00fuzz'|'\\x01\\x00\\x00$small'|"
	"'\\x01\\x00d/s'|'\\x01\\x00'|'\\x00\\x00'|'\\x02\\x00'|'\\x10\\x00'|'\\x01\\x00s'"},
    {"sa", "[$sockaddr]|[$sockaddr]|^[$sockaddr]|[$random]|null|end-2|kernel"},
    {"salen", "3|4|2|8|16|110|0|1|128|$int"},
    {"control", "[20,1:1,@file]|[24,1:1,@file:@pipe]|[20,1:1,@stream]|[20,1:1,@epoll]|"
	"[28,1:2,$small:0,0]|[16,1:1]|[20,1:1,$fd]|[0,1:1]|[$int,$int,$int]|"
	"[20,1:1,@dgram,20,1:1,@null]|null|[20,1:1,@stream2]"},
    {"controllen", "24|24|24|16|32|48|64|8|0|$len"},
    {"msg", "[null,0,$iov,2,$control,$controllen,0]|[null,0,[buf,10],1,$control,24,0]|"
	"[[$sockaddr],$salen,[buf,100],1,null,0,0]|[$out,$salen,[buf,$ok_len],1,buf+8192,256,0]|"
	"^[null,0,[buf,1],1,null,0,0]|[$int,$int,$int,$int,$int,$int]|null|end-8"},
    {"msgflags", "0|MSG_DONTWAIT|MSG_DONTWAIT|MSG_PEEK|MSG_NOSIGNAL|MSG_TRUNC|MSG_WAITALL|"
	"MSG_CMSG_CLOEXEC|MSG_OOB|0x8000|0x40000|$int"},
    {"mmsg", "[null,0,[buf,10],1,null,0,0,0,null,0,[buf,20],1,null,0,0,0]|[$int,$int,$int]|"
	"null|end-8"},
    {"pollfds", "[$fd:1,@pipe:5,@event:4]|[@pipe:1]|[$fd:$int]|^[@stream:0x2041]|"
	"[@timer:1,@signal:1,@ptm:5,@epoll:1]|null|end-4"},
    {"fdset", "[-1,0]|[0x3fffc00,0]|[$random]|null|null|end-4|[0]"},
    {"epevent", "[1:$int,0]|[0x80000001:1,0]|[0x40000005:2,0]|[0x10000001:3,0]|[0x2000001f:0]|"
	"[$int]|null|end-4"},
    {"epop", "1|1|1|2|3|0|$int"},
    {"timeout", "0|1|2|5|-1|-2|$int"},
    {"rlimit", "[0,0]|[100,200]|[-1,-1]|[$int,$int]|[10,5]|null|end-8|[0x100000,0x200000]"},
    {"resource", "0|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|-1|$int"},
    {"flock", "[0:0,0,100]|[1:0,0,0]|[2:0,50,10]|[$small:$small,$off,$off]|[1:0,-5,5]|null|"
	"end-16"},
    {"fcntl", "0|1|2|3|4|5|6|7|8|9|10|11|15|16|36|37|38|1024|1025|1030|1031|1032|1033|1034|$int"},
    {"fcntlarg", "$flock|$flock|0|1|2|4|0x800|0x2800|4096|65536|1048576|0x7fffffff|self|10|31|"
	"$int|$out"},
    {"ioctl", "TCGETS|TCSETS|TCSETSW|TIOCGWINSZ|TIOCSWINSZ|TIOCGPGRP|TIOCSPGRP|TIOCSCTTY|"
	"TIOCNOTTY|TIOCGPTN|TIOCSPTLCK|TIOCGPTPEER|FIONREAD|FIONBIO|FIOCLEX|TIOCSTI|TCFLSH|TCXONC|"
	"TCSBRK|TIOCPKT|TIOCGSID|FIOASYNC|TIOCOUTQ|$int"},
    {"ioarg", "buf|buf+8|[0]|[1]|[self]|[$int,$int,$int,$int]|0|1|end-8|$out|lazy|"
	"[0x506000000005,0xbf00000000a3b]"},
    {"futexop", "0|1|3|4|5|6|7|8|9|10|11|12|13|128|129|131|132|133|134|135|136|137|138|139|140|"
	"265|393|$int"},
    {"word", "buf|buf+4|buf+4|shm|shm+8|lazy|cow|ro|none|hole|null|kernel|end-4|end-2|beyond"},
    {"futexval", "0|0|1|2|0x7fffffff|tid1|$int"},
    {"waitv", "[0,buf,2]|[0,buf,2,0,shm,2]|[$int,$word,$small,0,$word,130]|null|end-8"},
    {"robust", "[buf,0,0]|[$in,$int,$int]|[buf+64,-8,buf+64]|^[ro,0,0]|null"},
    {"cloneflags", "17|17|0x11|0x100|0x200|0x400|0x800|0x800|0x10000|0x2000|0x4000|0x8000|"
	"0x40000|0x80000|0x100000|0x200000|0x1000000|0x1000|0x3d0f00|0x50f00|0x10000000|0x20000000|"
	"$int"},
    {"cloneargs", "[0x11,0,0,0,17,0,0,0]|[$int,buf,buf+8,buf+16,$sig,area,$len,$int]|"
	"[0x1000,buf,0,0,17,0,0,0]|[0x200000,0,buf,0,17,0,0,0,[self],1,0]|null|end-32"},
    {"waitopt", "0|1|1|2|3|4|8|0x1000000|0x40000000|0x80000000|$int"},
    {"unshare", "0|0x200|0x400|0x800|0x40000|0x10000|0x20000|0x10000000|$int"},
    {"prctl", "1|2|3|4|8|9|10|13|14|15|16|21|22|23|24|25|26|27|28|29|30|33|35|36|37|38|39|40|"
	"41|42|53|54|0x59616d61|$int"},
    {"arch", "0x1001|0x1002|0x1003|0x1004|0x1011|0x1012|$int"},
    {"policy", "0|1|2|3|5|6|0x40000000|$int"},
    {"param", "[0]|[1]|[99]|[100]|[$int]|null|end-2"},
    {"schedattr", "[48:0,0,0,0,0,0]|[48:3,0,19:0,0,0,0]|[56:1,1,0:50]|[$int,$int,$int]|null|"
	"end-8"},
    {"cpus", "[1]|[2]|[3]|[0]|[-1]|[$random]|null|end-4"},
    {"sev", "[0,34:0,0,0]|[5,10:2,0]|[5,34:4,tid1]|[0,0:1]|[$int,$int:$small,$int]|null|end-8"},
    {"timerid", "0|1|2|$result|$int"},
    {"mqname", "\"a\"|\"b\"|\"/a\"|\"\"|\"a/b\"|null|end-3"},
    {"mqattr", "null|[0,4,100,0]|[0,10,8192]|[0x800,1,1]|[$int,$int,$int]|end-8"},
    {"key", "0|0|0x5a|0x5b|0x5c|$int"},
    {"ipcget", "0x3b6|0x1b6|0x7b6|0x5b6|0x180|0|$int"},
    {"ipccmd", "0|1|2|3|11|12|13|14|15|16|17|18|19|20|$int"},
    {"ipcid", "$result|0|1|32768|32769|-1|$int"},
    {"sembuf", "[0x10000]|[0xffff0000]|[0x1000ffff0000]|[0x18000ffff0000]|[0x1800000010000,1]|"
	"[$random]|null|end-3"},
    {"msgbuf", "[1,1,2,3]|[$int,1]|^[2,5]|[0]|[-1]|null|end-8"},
    {"dev", "0|0x103|0x105|0x500|$int"},
    {"nodemode", "0x11ff|0x1180|0xc1b6|0x81a4|0x21b6|0x61b6|$int"},
    {"times", "null|[0,0,0,0]|[0,0x3fffffff,0,0x3ffffffe]|[1,$ns,1,$ns]|[$int,$int,$int,$int]|"
	"end-16"},
    {"sol", "1|1|1|6|0|$int"},
    {"sockopt", "1|2|3|4|5|6|7|8|9|13|16|17|18|20|21|28|29|30|31|32|33|34|38|39|56|59|$int"},
    {"optval", "[0]|[1]|[1000000]|[0,1000]|[$int]|buf|end-2|null|kernel"},
    {"optlen", "4|4|8|16|0|1|$int"},
    {"lenptr", "[4]|[16]|[110]|[0]|[-1]|[$int]|null|end-2"},
    {"whence", "0|1|2|3|4|5|$int"},
    {"offptr", "null|null|[0]|[100]|[-1]|[0x7fffffffffffffff]|end-4|[$off]"},
    {"splice", "0|1|2|2|4|8|$int"},
    {"ptrace", "0|2|3|4|5|6|7|8|9|12|13|14|15|16|24|0x4200|0x4201|0x4202|0x4203|0x4204|0x4205|"
	"0x4206|0x4207|0x4208|0x4209|0x420a|0x420b|0x420e|$int"},
    {"xattr", "\"user.a\"|\"security.b\"|\"system.posix_acl_access\"|\"\"|null|end-2"},
    {"falloc", "0|1|2|3|8|16|32|64|$int"},
    {"barrier", "0|1|2|4|8|16|32|64|128|256|$int"},
    {"id", "0|1000|1001|1002|-1|65534|$int"},
    {"persona", "0|0x40000|0x400000|0x800000|0xffffffff|8|$int"},
    {"caphdr", "[0x20080522]|[0x19980330]|[0x20080522:self]|[0]|null|end-4"},
    {"capdata", "[0,0,0]|[-1,-1,-1]|buf|null|end-8"},
    {"sendsig", "0|10|12|18|23|34|$soft"},
    {"siginfo", "[$soft,-1:0,0,0]|[10,-1,0,0,0,0,0,0,0,0,0,0,0,0,0,0]|[$int,$int]|null|end-64"},
    {"argv", "[\"x\",0]|[\"x\",\"y\",buf,0]|[end-3,0]|[$in,$in,0]|null|end-8|[0]"},
    {"program", "\"/bin/busybox\"|\"/proc/self/exe\"|\"a\"|\"d\"|\"/dev/null\"|\"/bin/help\"|"
	"$path"},
    {"nth", "1|2|3|4|5|6|8|10|12|16|20|30"},
};
/* clang-format on */

/* Text that grows to at most ARG_SIZE - 1 bytes. */
struct out {
	char *text;
	size_t used;
	int line, depth;
};

static void put(struct out *o, const char *text, size_t n)
{
	for (size_t i = 0; i < n && o->used < ARG_SIZE - 1; i++)
		o->text[o->used++] = text[i];
	o->text[o->used] = '\0';
}

static void expand(struct out *o, const char *template, size_t n);

static void put_random(struct out *o)
{
	char text[24];
	int n =
	    snprintf(text, sizeof(text), "0x%lx", (unsigned long)(random_number() >> below(64)));

	put(o, text, (size_t)n);
}

static void put_result(struct out *o)
{
	char text[16];
	int n = o->line ? snprintf(text, sizeof(text), "r%d", (int)below((uint64_t)o->line))
			: snprintf(text, sizeof(text), "-1");

	put(o, text, (size_t)n);
}

/* The n-th alternative begins behind the n-th bar. */
static void put_alternative(struct out *o, const char *list)
{
	uint64_t bars = 0, chosen;
	const char *end;

	for (const char *p = list; *p; p++)
		bars += *p == '|';
	for (chosen = below(bars + 1); chosen; chosen--)
		list = strchr(list, '|') + 1;
	end = strchrnul(list, '|');
	expand(o, list, (size_t)(end - list));
}

static void put_kind(struct out *o, const char *name, size_t n, bool several)
{
	uint64_t times = several ? 1 + below(3) : 1;

	if (n == 6 && !strncmp(name, "random", n)) {
		put_random(o);
		return;
	}
	if (n == 6 && !strncmp(name, "result", n)) {
		put_result(o);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == n && !strncmp(kinds[i].name, name, n)) {
			while (times--) {
				put_alternative(o, kinds[i].alternatives);
				if (times)
					put(o, "+", 1);
			}
			return;
		}
	printf("fuzz: there is no kind %.*s\n", (int)n, name);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

static void expand(struct out *o, const char *template, size_t n)
{
	const char *end = template + n, *name;

	if (++o->depth > 8)
		end = template;
	while (template <end) {
		char c = *template ++;

		if (c != '$' && c != '%') {
			put(o, &c, 1);
			continue;
		}
		for (name = template; template <end &&is_letter(*template);)
			template ++;
		put_kind(o, name, (size_t)(template - name), c == '%');
	}
	o->depth--;
}

/* A text that was cut off is no argument. */
void argument_make(char out[ARG_SIZE], const char *template, size_t length, int line)
{
	struct out o = {out, 0, line, 0};

	out[0] = '\0';
	expand(&o, template, length);
	if (!o.used || o.used == ARG_SIZE - 1)
		strcpy(out, "0");
}
