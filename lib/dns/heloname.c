#include "heloname.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mem.h"

#define HOST_MAX 256

char *
heloname(const char *wanted)
{
	struct addrinfo hints = {
	    .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	char host[HOST_MAX] = "", *name;

	if (*wanted != '\0')
		return mem_dup(wanted);
	if (gethostname(host, sizeof(host) - 1) == -1 || host[0] == '\0')
		return mem_dup("localhost");
	if (strchr(host, '.') != NULL ||
	    getaddrinfo(host, NULL, &hints, &ai) != 0)
		return mem_dup(host);
	name = mem_dup(
	    ai->ai_canonname != NULL && strchr(ai->ai_canonname, '.') != NULL
		? ai->ai_canonname
		: host);
	freeaddrinfo(ai);
	return name;
}
