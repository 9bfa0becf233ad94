/* SPDX-License-Identifier: MIT
 *
 * The figures that Linux measured in the same QEMU: lines "lab figure value unit" in
 * /etc/lab/linux, or in the file that LAB_LINUX_FIGURES names.  The first line says how they were
 * measured: "# full" or "# quick".  Figures are compared only with figures of the same kind, and
 * only on Heddle: a host is no emulator.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static char *figures_read(void)
{
	const char *place = getenv("LAB_LINUX_FIGURES");
	char *text =
	    lab_options.on_heddle || place ? lab_read(place ? place : "/etc/lab/linux") : NULL;
	const char *kind = lab_options.quick ? "# quick\n" : "# full\n";

	if (text && strncmp(text, kind, strlen(kind)) == 0)
		return text;
	free(text);
	return must(strdup(""));
}

/* True if there is a figure for this run to compare with. */
bool linux_figures_here(void)
{
	double value;

	for (const struct figure *f = report.figures; f; f = f->next)
		if (linux_figure(f->name, &value))
			return true;
	return false;
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
