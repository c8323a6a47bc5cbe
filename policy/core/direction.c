#include "direction.h"

#include <stddef.h>
#include <string.h>

const char *const direction_names[] = {[DIRECTION_BOTH] = "both",
    [DIRECTION_INBOUND] = "inbound",
    [DIRECTION_CERTIFICATE] = "inbound-certificate",
    NULL};

const char *
direction_name(enum direction d)
{
	return direction_names[d];
}

int
direction_parse(const char *name, enum direction *out)
{
	int i;

	for (i = 0; direction_names[i] != NULL; i++)
		if (strcmp(direction_names[i], name) == 0) {
			*out = (enum direction)i;
			return 0;
		}
	return -1;
}

const char *
direction_lowered_to(enum direction d, enum level after)
{
	return d == DIRECTION_CERTIFICATE ? "no certificate inbound"
	       : d == DIRECTION_INBOUND	  ? "no TLS inbound"
					  : level_name(after);
}

const char *
direction_waives(enum direction d)
{
	return d == DIRECTION_CERTIFICATE ? "certificate" : "TLS";
}

const char *
direction_needs(enum direction d, bool certificate)
{
	return d == DIRECTION_CERTIFICATE ? "their certificate"
	       : certificate		  ? "TLS and their certificate"
					  : "TLS";
}
