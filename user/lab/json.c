/* SPDX-License-Identifier: MIT
 *
 * The report as one JSON object on one line (RFC 8259).
 */
#include "internal.h"

#include <string.h>
#include <sys/utsname.h>

/* Length in bytes of the UTF-8 character at `text`; 0 if it is not well-formed (RFC 3629). */
static int utf8_length(const unsigned char *text)
{
	int length = text[0] < 0x80   ? 1
		     : text[0] < 0xc2 ? 0
		     : text[0] < 0xe0 ? 2
		     : text[0] < 0xf0 ? 3
		     : text[0] < 0xf5 ? 4
				      : 0;

	for (int i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
		return 0;
	return length;
}

void json_string(const char *text)
{
	if (!text) {
		printf("null");
		return;
	}
	putchar('"');
	while (*text) {
		int length = utf8_length((const unsigned char *)text);

		if (length == 0) {
			printf("\\ufffd");
			text++;
			continue;
		}
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if (length == 1 && ((unsigned char)*text < ' ' || *text == 0x7f))
			printf("\\u%04x", *text);
		else
			fwrite(text, 1, length, stdout);
		text += length;
	}
	putchar('"');
}

void json_number(double value)
{
	if (value != value || value > 1e300 || value < -1e300)
		printf("null");
	else if (value > -1e15 && value < 1e15 && value == (double)(long long)value)
		printf("%lld", (long long)value);
	else
		printf("%.9g", value);
}

static void member(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	json_string(value);
}

static void cells(const struct lab_row *row, int columns)
{
	putchar('[');
	for (int c = 0; c < columns; c++) {
		if (c)
			putchar(',');
		json_string(row->cells[c]);
	}
	putchar(']');
}

static void check(const struct check *c)
{
	bool fact = c->bound == FACT;

	member("what", c->what);
	member("bound", bound_text(c->bound));
	member("unit", c->unit);
	printf(",\"timed\":%s,\"wanted\":", c->timed ? "true" : "false");
	if (fact)
		printf("true,\"found\":%s", c->found ? "true" : "false");
	else {
		printf(c->bound == BETWEEN ? "[" : "");
		json_number(c->wanted);
		if (c->bound == BETWEEN) {
			putchar(',');
			json_number(c->most);
			putchar(']');
		}
		printf(",\"found\":");
		json_number(c->found);
	}
}

static void evidence(const struct evidence *e)
{
	static const char *const kinds[] = {"table", "bars",	 "note",
					    "check", "left_out", "timeline"};

	printf("{\"kind\":\"%s\"", kinds[e->kind]);
	switch (e->kind) {
	case TABLE:
		member("title", e->title);
		printf(",\"columns\":");
		for (int c = 0; c < e->columns; c++) {
			printf("%c{\"name\":", c ? ',' : '[');
			json_string(e->heads.cells[c]);
			printf(",\"right\":%s}", e->right[c] ? "true" : "false");
		}
		putchar(']');
		printf(",\"rows\":[");
		for (int r = 0; r < e->count; r++) {
			printf(r ? "," : "");
			cells(&e->rows[r], e->columns);
		}
		putchar(']');
		break;
	case BARS:
		member("title", e->title);
		member("unit", e->unit);
		if (e->whole) {
			printf(",\"whole\":");
			json_number(e->whole);
		}
		printf(",\"bars\":[");
		for (int i = 0; i < e->count; i++) {
			printf("%s{\"label\":", i ? "," : "");
			json_string(e->bars[i].label);
			printf(",\"value\":");
			json_number(e->bars[i].value);
			putchar('}');
		}
		putchar(']');
		break;
	case NOTE:
		member("text", e->title);
		break;
	case CHECK:
		member("text", e->title);
		check(&e->check);
		printf(",\"holds\":%s", e->holds ? "true" : "false");
		break;
	case LEFT_OUT:
		member("what", e->title);
		member("why", e->why);
		break;
	case TIMELINE:
		member("title", e->title);
		timeline_json(e->trace);
		break;
	}
	putchar('}');
}

static void figures(void)
{
	double linux_value;

	printf(",\"figures\":[");
	for (const struct figure *f = report.figures; f; f = f->next) {
		printf("%s{\"name\":", f == report.figures ? "" : ",");
		json_string(f->name);
		printf(",\"value\":");
		json_number(f->value);
		member("unit", f->unit);
		member("meaning", f->meaning);
		if (linux_figure(f->name, &linux_value)) {
			printf(",\"linux\":");
			json_number(linux_value);
		}
		putchar('}');
	}
	putchar(']');
}

static void begin(void)
{
	struct utsname system = {0};

	uname(&system);
	printf("{\"lab\":");
	json_string(lab.name);
	printf(",\"system\":{\"name\":");
	json_string(lab_options.on_heddle ? "Heddle" : system.sysname);
	member("release", system.release);
	printf("},\"cpus\":%d,\"options\":", lab_options.cpus);
	options_json();
}

void json_report(void)
{
	char prediction[2] = {'a' + report.predicted};

	begin();
	member("claim", lab.claim);
	member("loose", lab.loose);
	member("prediction", report.predicted < 0 ? NULL : prediction);
	printf(",\"evidence\":[");
	for (const struct evidence *e = report.evidence; e; e = e->next) {
		evidence(e);
		printf(e->next ? "," : "");
	}
	putchar(']');
	figures();
	printf(",\"load\":");
	json_number(lab_load());
	member("books", lab.books);
	member("sources", lab.sources);
	member("verdict", verdict_key(report.verdict));
	member("text", report.text);
	member("expected", verdict_key(lab.expect));
	printf(",\"ok\":%s}\n", report_ok() ? "true" : "false");
}

void json_error(const char *why)
{
	begin();
	member("error", why);
	printf(",\"ok\":false}\n");
}
