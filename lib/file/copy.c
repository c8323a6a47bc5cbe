#include "copy.h"

#include <stdlib.h>

#include "err.h"
#include "file.h"
#include "replace.h"

#define COPY_MAX (16u * 1024 * 1024) /* bytes of a configuration file */

int
copy_file(const char *from, const char *to, struct err *e)
{
	struct stat st;
	size_t len;
	char *text = file_slurp(from, COPY_MAX, &len, &st, e);
	int rv = text == NULL ? -1 : replace_as(to, text, len, &st, e);

	free(text);
	return rv;
}
