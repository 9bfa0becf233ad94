/* SPDX-License-Identifier: MIT
 *
 * The figures that Linux measured in the same QEMU: lines "lab figure value unit" in
 * /etc/lab/linux.  On the host: in the file that LAB_LINUX_FIGURES names, or in the source tree.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static char *figures_read(void)
{
	static const char *const places[] = {"/etc/lab/linux", "user/etc/lab/linux"};
	const char *place = getenv("LAB_LINUX_FIGURES");
	char *text = place ? lab_read(place) : NULL;

	for (int i = 0; !place && !text && i < 2; i++)
		text = lab_read(places[i]);
	return text ? text : must(strdup(""));
}

bool linux_figure(const char *name, double *value)
{
	static char *text;
	char *key;
	bool found = false;

	if (!text)
		text = figures_read();
	key = text_of("%s %s ", lab.name, name);
	for (const char *line = text; line && !found; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, strlen(key)) == 0)
			found = sscanf(line + strlen(key), "%lf", value) == 1;
	}
	free(key);
	return found;
}
