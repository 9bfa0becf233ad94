#include "kernel/task/probe.h"
int pidfd_install(struct process *child, const struct clone_args *args)
{
	return -EINVAL;
}
