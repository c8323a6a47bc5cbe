#include "registry_untaken.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "file.h"
#include "mem.h"
#include "names.h"
#include "registry.h"

#define BOM "\xef\xbb\xbf"
#define BLANKS " \t\r"

/* Is it "partner", or perhaps meant so? Within a statement no guess is made. */
static bool
is_partner(const char *word, size_t len, bool indented)
{
	static const char *const others[] = {
	    "#", "provider", "default", "include"};
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strncmp(word, others[i], strlen(others[i])) == 0)
			return false;
	return indented ? len == 7 && strncmp(word, "partner", len) == 0
			: len > 0 && memchr(word, '=', len) == NULL;
}

static void
take_line(const struct registry *r, const char *line, struct names *out)
{
	const char *p = line + strspn(line, " \t");
	size_t len = strcspn(p, BLANKS "\n");
	char *name;

	if (!is_partner(p, len, p != line))
		return;
	p += len;
	/* The name may stand in the next line. */
	p += strspn(p, BLANKS "\n");
	len = strcspn(p, BLANKS "\n");
	name = mem_printf("%.*s", (int)len, p);
	if (len > 0 && registry_partner(r, name) == REGISTRY_NONE)
		(void)names_add(out, name, len);
	free(name);
}

void
registry_untaken(const struct registry *r, struct names *out)
{
	struct err ignored;
	const char *path, *line;
	char *text;
	uint32_t i;
	size_t len;

	for (i = 0; i < r->nfiles; i++) {
		path = registry_file(r, i);
		text = file_is_special(path)
			   ? NULL
			   : file_slurp(
				 path, REGISTRY_FILE_MAX, &len, NULL, &ignored);
		line = text;
		if (line != NULL && strncmp(line, BOM, strlen(BOM)) == 0)
			line += strlen(BOM);
		while (line != NULL) {
			take_line(r, line, out);
			line = strchr(line, '\n');
			line = line == NULL ? NULL : line + 1;
		}
		free(text);
	}
}
