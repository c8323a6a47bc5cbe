#include "postconf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "attr.h"
#include "err.h"
#include "mem.h"
#include "program.h"
#include "quote.h"

#define SEPARATORS ", \t\r\n"

#define POSTCONF_MS 10000 /* patience */
#define POSTCONF_MAX (4 * 1024 * 1024)

char *
postfix_read(const char *program, const char *dir, const char *flags,
    const char *const args[], size_t max, int timeout_ms, struct err *e)
{
	const char **argv;
	size_t n = 0, k = 0;
	char *out;

	while (args != NULL && args[n] != NULL)
		n++;
	argv = mem_zero(n + 5, sizeof(*argv));
	argv[k++] = program;
	if (dir != NULL) {
		argv[k++] = "-c";
		argv[k++] = dir;
	}
	if (flags != NULL)
		argv[k++] = flags;
	if (n > 0)
		memcpy(argv + k, args, n * sizeof(*argv));
	out = program_read(argv, max, timeout_ms, e);
	free(argv);
	return out;
}

static char *
run(const char *dir, const char *flags, const char *name, struct err *e)
{
	const char *const names[] = {name, NULL};

	return postfix_read(
	    "postconf", dir, flags, names, POSTCONF_MAX, POSTCONF_MS, e);
}

char *
postconf_ask(
    const char *dir, const char *flags, const char *name, struct err *e)
{
	char *out = run(dir, flags, name, e);

	if (out != NULL)
		out[strcspn(out, "\r\n")] = '\0';
	return out;
}

/* Lines of `name = value`, which stay where they are. */
static void
take_values(struct postconf *c, char *text)
{
	char *line, *save = NULL, *name, *value;
	size_t cap;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (attr_assign(line, &name, &value) == -1)
			continue;
		cap = c->cap;
		c->name = mem_grow(c->name, c->n, &cap, sizeof(*c->name));
		c->value = mem_grow(c->value, c->n, &c->cap, sizeof(*c->value));
		c->name[c->n] = name;
		c->value[c->n++] = value;
	}
}

/* Lines of `name type private unpriv chroot wakeup maxproc command ...`. */
static void
take_services(struct postconf *c, char *text)
{
	struct postconf_service *s;
	char *line, *word, *save = NULL, *words, *field[8];
	size_t n;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		words = NULL;
		for (n = 0, word = strtok_r(line, " \t", &words);
		     word != NULL && n < 8;
		     word = strtok_r(NULL, " \t", &words))
			field[n++] = word;
		if (n < 8)
			continue;
		c->service = mem_grow(c->service, c->nservices, &c->service_cap,
		    sizeof(*c->service));
		s = &c->service[c->nservices++];
		s->name = mem_printf("%s/%s", field[0], field[1]);
		s->command = field[7];
		s->chroot = *field[4];
	}
}

void
postconf_parse(struct postconf *c)
{
	if (c->text[0] != NULL)
		take_values(c, c->text[0]);
	if (c->text[1] != NULL)
		take_values(c, c->text[1]);
	if (c->text[2] != NULL)
		take_services(c, c->text[2]);
}

int
postconf_read(struct postconf *c, const char *dir, bool plain, struct err *e)
{
	struct stat st;

	*c = (struct postconf){.dir = dir};
	if (dir != NULL && (stat(dir, &st) == -1 || !S_ISDIR(st.st_mode)))
		return err_set(e, EX_NOINPUT,
		    "%s is no Postfix configuration folder", quotes(dir).s);
	if ((c->text[0] = run(dir, plain ? NULL : "-x", NULL, e)) == NULL)
		return -1;
	if (!plain && ((c->text[1] = run(dir, "-Px", NULL, e)) == NULL ||
			  (c->text[2] = run(dir, "-M", NULL, e)) == NULL))
		return -1;
	postconf_parse(c);
	return 0;
}

static const char *
find(const struct postconf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->name[i], name) == 0)
			return c->value[i];
	return NULL;
}

/* The -o option of a service; NULL if it has none. */
static const char *
find_option(const struct postconf *c, const char *service, const char *name)
{
	char *full = mem_printf("%s/%s", service, name);
	const char *value = find(c, full);

	free(full);
	return value;
}

bool
postconf_overrides(
    const struct postconf *c, const char *service, const char *name)
{
	return find_option(c, service, name) != NULL;
}

const char *
postconf_get(const struct postconf *c, const char *service, const char *name)
{
	const char *value =
	    service == NULL ? NULL : find_option(c, service, name);

	return value != NULL ? value : find(c, name);
}

const char *
postconf_text(const struct postconf *c, const char *service, const char *name)
{
	const char *value = postconf_get(c, service, name);

	return value == NULL ? "" : value;
}

const char *
postconf_command(const struct postconf *c, const char *service)
{
	size_t i;

	for (i = 0; i < c->nservices; i++)
		if (strcmp(c->service[i].name, service) == 0)
			return c->service[i].command;
	return NULL;
}

const struct postconf_service *
postconf_next(const struct postconf *c, size_t *at, const char *command)
{
	while (*at < c->nservices)
		if (strcmp(c->service[(*at)++].command, command) == 0)
			return &c->service[*at - 1];
	return NULL;
}

void
postconf_release(struct postconf *c)
{
	size_t i;

	for (i = 0; i < c->nservices; i++)
		free(c->service[i].name);
	for (i = 0; i < sizeof(c->text) / sizeof(c->text[0]); i++)
		free(c->text[i]);
	free(c->name);
	free(c->value);
	free(c->service);
	free(c->tables);
	*c = (struct postconf){0};
}

/* --- Lists ---------------------------------------------------------------- */

static struct span
skip_separators(struct span s)
{
	while (s.n > 0 && strchr(SEPARATORS, *s.p) != NULL)
		s = span_skip(s, 1);
	return s;
}

bool
postconf_word(struct span *list, struct span *word)
{
	unsigned depth = 0;
	size_t i;

	*list = skip_separators(*list);
	for (i = 0; i < list->n; i++) {
		if (list->p[i] == '{')
			depth++;
		else if (list->p[i] == '}' && depth > 0)
			depth--;
		else if (depth == 0 && strchr(SEPARATORS, list->p[i]) != NULL)
			break;
	}
	*word = (struct span){list->p, i};
	*list = skip_separators(span_skip(*list, i));
	return i > 0;
}
