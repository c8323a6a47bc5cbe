#include "limit.h"

#include "mem.h"
#include "num.h"

#include <stdlib.h>
#include <string.h>

int
limit_parse(const char *s, struct limit *out)
{
	size_t len = strlen(s);
	char *copy = mem_dup(s);
	int rv;

	out->percent = len > 0 && s[len - 1] == '%';
	if (out->percent)
		copy[len - 1] = '\0';
	rv = num_parse(copy, 0, out->percent ? 100 : UINT32_MAX, &out->n);
	free(copy);
	return rv;
}

const char *
limit_check(const char *s)
{
	struct limit limit;

	return limit_parse(s, &limit) == 0
		   ? NULL
		   : "is neither a number nor 0% to 100%";
}
