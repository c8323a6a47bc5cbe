/* The copy of a registry: its files in one, and nothing that was not read. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "err.h"
#include "registry.h"
#include "registry_keep.h"

#define NOW 1795392000

static char folder[] = "/tmp/tlspact-unit.XXXXXX";

static char *
put(const char *name, const char *text)
{
	static char path[4][128];
	static unsigned at;
	char *p = path[at++ % 4];
	FILE *f;

	(void)snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	f = fopen(p, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return p;
}

static struct registry *
load(const char *path)
{
	struct diags d = {0};
	struct err e;
	struct registry *r = registry_load(path, NOW, &d, &e);

	assert_non_null(r);
	assert_int_equal(d.errors, 0);
	diag_free(&d);
	return r;
}

/* Its copy in that file. */
static int
keep(const struct registry *r, const char *copy, struct err *e)
{
	int fd = open(copy, O_WRONLY | O_TRUNC), rv;

	assert_int_not_equal(fd, -1);
	rv = registry_keep(r, fd, e);
	assert_int_equal(close(fd), 0);
	return rv;
}

static void
t_keep(void **state)
{
	const char *path = put("registry", "partner a domain=a.example\n"
					   "include\n # x\n  parts\n\n"
					   "# include this\n"
					   "partner b\n domain=b.example");
	struct registry *r, *kept;
	const char *copy = put("copy", "");
	struct err e;

	(void)state;
	(void)put("parts", "default mode=may\npartner included\n"
			   " domain=c.example\ninclude more\n");
	(void)put("more", "");
	r = load(path);
	assert_false(registry_is_kept(r, copy));
	assert_int_equal(keep(r, copy, &e), 0);
	assert_true(registry_is_kept(r, copy));
	kept = registry_load_kept(copy, NOW, &e);
	assert_non_null(kept);
	assert_string_equal(kept->digest, r->digest);
	assert_int_equal(kept->npartners, 3);
	assert_int_equal(kept->nfiles, 1);
	assert_int_equal(
	    kept->partner[registry_find(kept, "c.example")].attributes->mode,
	    MODE_MAY);
	assert_int_not_equal(registry_find(kept, "b.example"), REGISTRY_NONE);
	registry_free(kept);

	/* Another text than the one that was read and found well. */
	(void)put("more", "partner d domain=d.example\n");
	assert_int_equal(keep(r, copy, &e), -1);
	assert_int_equal(e.code, 75);
	registry_free(r);
	r = load(path);
	assert_false(registry_is_kept(r, copy));
	assert_int_equal(keep(r, copy, &e), 0);
	assert_true(registry_is_kept(r, copy));
	registry_free(r);
}

/* A file is copied in blocks: an include may stand across the end of one. */
static void
t_blocks(void **state)
{
	enum { BLOCK = 65536, AROUND = 24 };
	static const char include[] = "include\n parts\n";
	static const char after[] = "partner b domain=b.example";
	char *copy = strdup(put("copy", ""));
	char *text = malloc(BLOCK + sizeof(include) + sizeof(after));
	struct registry *r, *kept;
	size_t n, at;
	struct err e;

	(void)state;
	(void)put("parts", "partner c domain=c.example\n");
	assert_non_null(text);
	assert_non_null(copy);
	for (n = 0; n < AROUND; n++) {
		at = BLOCK - n;
		memset(text, '#', at);
		text[at - 1] = '\n';
		(void)strcpy(text + at, include);
		(void)strcat(text, after);
		r = load(put("registry", text));
		assert_int_equal(keep(r, copy, &e), 0);
		kept = registry_load_kept(copy, NOW, &e);
		assert_non_null(kept);
		assert_int_equal(kept->nfiles, 1);
		assert_int_equal(kept->npartners, 2);
		registry_free(kept);
		registry_free(r);
	}
	free(text);
	free(copy);
}

static void
t_no_copy(void **state)
{
	char pipe[128];
	struct err e;

	(void)state;
	assert_null(registry_load_kept("/nonexistent", NOW, &e));
	assert_int_equal(e.code, 66);
	/* It would wait for a writer for ever. */
	(void)snprintf(pipe, sizeof(pipe), "%s/pipe", folder);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_null(registry_load_kept(pipe, NOW, &e));
	assert_int_equal(e.code, 66);
	assert_null(registry_load_kept(
	    put("other", "partner a domain=a.example\n"), NOW, &e));
	assert_null(registry_load_kept(
	    put("short", "# The registry as it was last compiled, digest 12\n"),
	    NOW, &e));
	assert_null(registry_load_kept(
	    put("bad", "# The registry as it was last compiled, digest "
		       "0123456789abcdef0123456789abcdef"
		       "0123456789abcdef0123456789abcdef\npartner\n"),
	    NOW, &e));
	assert_int_equal(e.code, 65);
}

static const char *
whose(const struct registry *r, const char *name)
{
	const uint32_t i = registry_find(r, name);

	return i == REGISTRY_NONE ? "nobody" : r->partner[i].name;
}

static void
t_join(void **state)
{
	struct registry *r =
	    load(put("registry", "partner a domain=a.example,shared.example\n"
				 "partner new domain=new.example former=old\n"
				 "partner last domain=last.example\n"));
	const char *path = put("other",
	    "provider x gateway=mx.x.example\n"
	    "partner a domain=a.example,more.example mode=enforced\n"
	    "partner old domain=old.example\n"
	    "partner renamed domain=renamed.example former=last\n"
	    "partner gone domain=gone.example,shared.example,.gone.example "
	    "provider=x mode=enforced\n"
	    "partner claimed domain=new.example\n"
	    "partner left domain=left.example\n");
	const struct partner *p;
	char digest[sizeof(r->digest)];

	(void)state;
	memcpy(digest, r->digest, sizeof(digest));
	assert_int_equal(registry_join(r, load(path)), 3);
	assert_string_equal(r->digest, digest);
	assert_int_equal(r->npartners, 5);
	assert_string_equal(whose(r, "gone.example"), "gone");
	assert_string_equal(whose(r, "left"), "left");
	assert_string_equal(whose(r, "a"), "a");
	assert_string_equal(whose(r, "shared.example"), "a");
	assert_string_equal(whose(r, "new.example"), "new");
	/* What it has by another name, or not at all. */
	assert_string_equal(whose(r, "more.example"), "nobody");
	assert_string_equal(whose(r, "old"), "nobody");
	assert_string_equal(whose(r, "renamed"), "nobody");
	assert_string_equal(whose(r, "claimed"), "nobody");
	assert_int_equal(r->partner[0].attributes->mode, MODE_OPPORTUNISTIC);
	p = &r->partner[registry_partner(r, "gone")];
	assert_int_equal(p->ndomains, 2);
	assert_string_equal(r->domain[p->first_domain].name, "gone.example");
	assert_string_equal(
	    r->domain[p->first_domain + 1].name, ".gone.example");
	assert_string_equal(partner_file(r, p), path);
	assert_int_equal(p->line, 5);
	assert_int_equal(p->attributes->mode, MODE_ENFORCED);
	assert_int_equal(p->provider, REGISTRY_NONE);
	assert_string_equal(p->gateway->v[0], "mx.x.example");
	registry_free(r);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	static const char *const names[] = {"registry", "parts", "more", "copy",
	    "other", "short", "bad", "pipe"};
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_keep),
	    cmocka_unit_test(t_blocks),
	    cmocka_unit_test(t_join),
	    cmocka_unit_test(t_no_copy),
	};

	return cmocka_run_group_tests_name(
	    "registry_keep", tests, make_folder, remove_folder);
}
