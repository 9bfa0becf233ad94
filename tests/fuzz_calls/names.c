/* SPDX-License-Identifier: MIT
 *
 * Names of constants that programs may use, and their values.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>

#define NAME(n)                                                                                    \
	{                                                                                          \
#n, n                                                                              \
	}

static const struct {
	const char *name;
	long value;
} names[] = {
    NAME(O_RDONLY),
    NAME(O_WRONLY),
    NAME(O_RDWR),
    NAME(O_CREAT),
    NAME(O_EXCL),
    NAME(O_TRUNC),
    NAME(O_APPEND),
    NAME(O_NONBLOCK),
    NAME(O_DIRECTORY),
    NAME(O_NOFOLLOW),
    NAME(O_CLOEXEC),
    NAME(O_PATH),
    NAME(O_TMPFILE),
    NAME(O_DIRECT),
    NAME(AT_SYMLINK_NOFOLLOW),
    NAME(AT_REMOVEDIR),
    NAME(AT_SYMLINK_FOLLOW),
    NAME(AT_EMPTY_PATH),
    NAME(PROT_READ),
    NAME(PROT_WRITE),
    NAME(PROT_EXEC),
    NAME(MAP_PRIVATE),
    NAME(MAP_SHARED),
    NAME(MAP_ANONYMOUS),
    NAME(MAP_FIXED),
    NAME(MAP_POPULATE),
    NAME(MAP_GROWSDOWN),
    NAME(MAP_NORESERVE),
    NAME(MAP_LOCKED),
    NAME(MAP_STACK),
    NAME(MAP_FIXED_NOREPLACE),
    NAME(MSG_DONTWAIT),
    NAME(MSG_PEEK),
    NAME(MSG_NOSIGNAL),
    NAME(MSG_TRUNC),
    NAME(MSG_WAITALL),
    NAME(MSG_CMSG_CLOEXEC),
    NAME(MSG_OOB),
    NAME(TCGETS),
    NAME(TCSETS),
    NAME(TCSETSW),
    NAME(TIOCGWINSZ),
    NAME(TIOCSWINSZ),
    NAME(TIOCGPGRP),
    NAME(TIOCSPGRP),
    NAME(TIOCSCTTY),
    NAME(TIOCNOTTY),
    NAME(TIOCGPTN),
    NAME(TIOCSPTLCK),
    NAME(TIOCGPTPEER),
    NAME(TIOCSTI),
    NAME(TIOCPKT),
    NAME(TIOCGSID),
    NAME(TIOCOUTQ),
    NAME(TCFLSH),
    NAME(TCXONC),
    NAME(TCSBRK),
    NAME(FIONREAD),
    NAME(FIONBIO),
    NAME(FIOCLEX),
    NAME(FIOASYNC),
};

bool name_value(const char *name, size_t length, long *value)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == length && !strncmp(names[i].name, name, length)) {
			*value = names[i].value;
			return true;
		}
	return false;
}
