#include "ctledit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "columns.h"
#include "common.h"
#include "ctlrun.h"
#include "err.h"
#include "fdio.h"
#include "file.h"
#include "foreseen.h"
#include "mapbuild.h"
#include "mapevent.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "program.h"
#include "publish.h"
#include "quote.h"
#include "registry.h"
#include "registry_instead.h"
#include "registry_keep.h"
#include "say.h"

#define ROWS_SHOWN 40 /* changes of the map, weaker ones first */
#define KIND 9	      /* columns before a row: "removed" and so on */
#define NAMED 3	      /* partners in a line */

struct edit {
	const struct ctlrun *run;
	const char *path; /* the file */
	unsigned line;	  /* of the partner; 0: none was named */
	char *was;	  /* what stood in it */
	size_t waslen;
	char *folder, *copy; /* that is edited, and where it lies */
};

/* --- One at a time ------------------------------------------------------- */

/* "jo (process 4711)", as far as it can be told. */
static void
put_holder(const char *path, struct buf *out)
{
	char *lock = mem_printf("%s.lock", path), *proc;
	const pid_t pid = file_lock_holder(lock);
	struct buf environ_ = {0};
	struct passwd *pw = NULL;
	const char *who = NULL;
	struct stat st;
	size_t i;
	int fd;

	proc = mem_printf("/proc/%d/environ", (int)pid);
	fd = pid == 0 ? -1 : open(proc, O_RDONLY | O_CLOEXEC);
	if (fd != -1 && fdio_read(fd, 1 << 20, &environ_))
		for (i = 0; i < environ_.len;
		     i += strlen(environ_.data + i) + 1)
			if (strncmp(environ_.data + i, "SUDO_USER=", 10) == 0)
				who = environ_.data + i + 10;
	if (who == NULL && fd != -1 && fstat(fd, &st) == 0 &&
	    (pw = getpwuid(st.st_uid)) != NULL)
		who = pw->pw_name;
	buf_puts(out, who == NULL ? "somebody" : who);
	if (pid != 0)
		buf_printf(out, " (process %d)", (int)pid);
	if (fd != -1)
		close(fd);
	buf_free(&environ_);
	free(proc);
	free(lock);
}

static struct publish *
take_lock(const struct edit *ed, int *code)
{
	struct buf who = {0};
	struct publish *p;
	struct err e;

	if ((p = publish_lock(ed->path, 0, &e)) != NULL)
		return p;
	*code = e.code;
	if (e.code != EX_TEMPFAIL) {
		(void)common_failed(&e);
		return NULL;
	}
	put_holder(ed->path, &who);
	say("%s is being edited by %s: nothing was changed", ed->path,
	    who.data);
	buf_free(&who);
	return NULL;
}

/* --- The copy ------------------------------------------------------------ */

static int
write_copy(struct edit *ed, struct err *e)
{
	const char *tmp = getenv("TMPDIR"), *slash = strrchr(ed->path, '/');
	int fd, rv = 0;

	ed->folder = mem_printf("%s/tlspact-edit.XXXXXX",
	    tmp == NULL || *tmp != '/' ? "/tmp" : tmp);
	if (mkdtemp(ed->folder) == NULL)
		return err_sys(e, EX_CANTCREAT, "cannot make a folder in %s",
		    quotes(ed->folder).s);
	ed->copy = mem_printf(
	    "%s/%s", ed->folder, slash == NULL ? ed->path : slash + 1);
	fd = open(ed->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || !fdio_write(fd, ed->was, ed->waslen))
		rv =
		    err_sys(e, EX_IOERR, "cannot write %s", quotes(ed->copy).s);
	if (fd != -1)
		close(fd);
	return rv;
}

/* With what the editor left there. */
static void
remove_copy(struct edit *ed)
{
	DIR *d = ed->copy == NULL ? NULL : opendir(ed->folder);
	const struct dirent *x;

	/* cppcheck-suppress readdirCalled ; the handle is our own */
	while (d != NULL && (x = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), x->d_name, 0);
	if (d != NULL) {
		(void)closedir(d);
		(void)rmdir(ed->folder);
	}
	free(ed->copy);
	free(ed->folder);
	ed->copy = ed->folder = NULL;
}

/* --- The editor ---------------------------------------------------------- */

static const char *
editor(void)
{
	static const char *const names[] = {"SUDO_EDITOR", "VISUAL", "EDITOR"};
	const char *s;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((s = getenv(names[i])) != NULL && *s != '\0')
			return s;
	return "editor";
}

/* Does it go to a line by "+LINE"? */
static bool
takes_line(const char *command)
{
	static const char *const names[] = {"vi", "vim", "nvim", "view", "nvi",
	    "vim.tiny", "vim.basic", "nano", "emacs", "emacsclient", "mg",
	    "joe", "jmacs", "mcedit", "micro", "ne", "editor",
	    "sensible-editor"};
	size_t len = strcspn(command, " "), i;
	const char *base = command + len;

	while (base > command && base[-1] != '/')
		base--;
	len -= (size_t)(base - command);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len &&
		    strncmp(base, names[i], len) == 0)
			return true;
	return false;
}

/* The keys that end a program are the editor's as long as it runs. */
static int
wait_for(pid_t pid)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction interrupt, quit;
	int status;

	(void)sigaction(SIGINT, &ignore, &interrupt);
	(void)sigaction(SIGQUIT, &ignore, &quit);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	(void)sigaction(SIGINT, &interrupt, NULL);
	(void)sigaction(SIGQUIT, &quit, NULL);
	return status;
}

/* Through the shell, as the variables may have options. 0 or -1. */
static int
run_editor(const struct edit *ed, struct err *e)
{
	char *command = mem_printf("%s \"$@\"", editor());
	char *line = mem_printf("+%u", ed->line);
	const char *argv[7] = {"sh", "-c", command, "sh"};
	size_t n = 4;
	int status = 0;
	pid_t pid;

	if (ed->line > 0 && takes_line(editor()))
		argv[n++] = line;
	argv[n] = ed->copy;
	pid =
	    program_start(argv, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, e);
	if (pid != -1)
		status = wait_for(pid);
	free(command);
	free(line);
	if (pid == -1)
		return -1;
	if (status != 0)
		return err_set(e, EX_UNAVAILABLE,
		    "the editor %s failed: nothing was changed",
		    quotes(editor()).s);
	return 0;
}

/* --- What it would change ------------------------------------------------ */

/* What mail goes by from then on, where a row is gone. */
static void
put_now(
    struct mapbuild *b, const struct mapchange *x, bool *asked, struct buf *out)
{
	struct target *t = &b->target;

	if (x->client || x->was.row == NULL || x->is.row != NULL)
		return;
	if (x->unasked == NULL && x->above == NULL && !*asked) {
		settings_level(b->set, t);
		*asked = true;
	}
	buf_puts(out, ", now ");
	mapchange_print_now(
	    x, strcmp(t->main_level, "?") == 0 ? NULL : t->main_level, out);
}

static void
print_changes(struct mapbuild *b)
{
	bool asked = false, stays;
	size_t n, i;
	const struct mapchange **v = mapchanges_ranked(&b->changes, &n);
	struct buf out = {0}, words = {0};
	char label[KIND + 1];

	for (i = 0; i < n && i < ROWS_SHOWN; i++) {
		stays = mapchange_stays(v[i], b->registry);
		(void)snprintf(label, sizeof(label), "%-*s", KIND,
		    change_name(stays ? CHANGE_WEAKER : v[i]->change));
		quote_put(&words, v[i]->key, v[i]->keylen);
		buf_puts(&words, ": ");
		if (stays) {
			mapdemand_print(&v[i]->was, false, &words);
			buf_puts(&words, " -> opportunistic");
		} else {
			mapchange_print(v[i], &words);
		}
		put_now(b, v[i], &asked, &words);
		columns_paragraph(&out, label, KIND, words.data, false,
		    columns_of(STDOUT_FILENO));
		(void)fputs(out.data, stdout);
		buf_clear(&words);
		buf_clear(&out);
	}
	if (n > ROWS_SHOWN)
		(void)printf("and %zu more\n", n - ROWS_SHOWN);
	if (n == 0)
		(void)printf("nothing that is demanded changes\n");
	buf_free(&out);
	buf_free(&words);
	free(v);
}

static void
print_names(const char *before, const struct names *who, const char *after)
{
	struct buf list = {0};

	names_put(who, NAMED, &list);
	if (who->n > 0)
		common_tell(stdout, "%s%s%s", before, list.data, after);
	buf_free(&list);
}

/* Of r, who is not in other, and has no row that tells so. */
static void
print_only(
    const struct registry *r, const struct registry *other, const char *before)
{
	bool *only = registry_missing(other, r);
	struct names who = {0};
	size_t i;

	for (i = 0; i < r->npartners; i++)
		if (only[i] &&
		    partner_level(&r->partner[i]) == LEVEL_OPPORTUNISTIC)
			(void)names_add(&who, r->partner[i].name,
			    strlen(r->partner[i].name));
	print_names(before, &who, "");
	names_free(&who);
	free(only);
}

/* What no row for Postfix tells: who comes or goes, and mail from them. */
static void
print_partners(const struct mapbuild *b)
{
	const struct registry *r = b->registry, *was = b->before;
	struct names who = {0};
	uint32_t i, k;

	if (was == NULL)
		return;
	print_only(was, r, "leaves the registry: ");
	print_only(r, was, "comes into the registry: ");
	for (i = 0; i < r->npartners; i++) {
		k = registry_partner(was, r->partner[i].name);
		if (r->partner[i].attributes->inbound == INBOUND_REQUIRE &&
		    (k == REGISTRY_NONE ||
			was->partner[k].attributes->inbound != INBOUND_REQUIRE))
			(void)names_add(&who, r->partner[i].name,
			    strlen(r->partner[i].name));
	}
	print_names("mail from ", &who, " will be refused without TLS");
	names_free(&who);
}

/* In front of the question: the list may have pushed all else away. */
static void
print_lost(const struct mapbuild *b)
{
	struct buf why = {0};

	if (b->too_much)
		buf_printf(&why,
		    ", more than max_weakened = %s allows: tlspact-compile "
		    "will refuse it",
		    b->set->max_weakened);
	if (b->changes.lost > 0)
		common_tell(stdout, "%zu enforced row%s REMOVED OR WEAKENED%s",
		    b->changes.lost, num_plural(b->changes.lost),
		    why.len == 0 ? "" : why.data);
	buf_free(&why);
}

/* The compile that would follow; *bad: the text has errors. */
static int
rehearse(const struct edit *ed, bool *bad)
{
	const struct mapbuild_options opt = {.dry = true, .list = true};
	struct mapbuild b = {0};
	int code;

	registry_instead(ed->path, ed->copy);
	code = mapbuild_run(&b, &ed->run->c.set, &opt, time(NULL));
	registry_instead(NULL, NULL);
	*bad = b.registry == NULL || b.diags.errors > 0;
	if (!*bad) {
		print_changes(&b);
		print_partners(&b);
		foreseen_print(&b, false);
		print_lost(&b);
	}
	mapbuild_release(&b);
	return code;
}

/* 'e', 'w' or 'q'; the end of the input gives up. */
static int
ask(const struct edit *ed, bool bad)
{
	char *line = NULL;
	size_t cap = 0;
	int c = 0;

	while (c == 0) {
		(void)printf(bad ? "[e]dit again, [q]uit? "
				 : "[e]dit again, [w]rite, [q]uit? ");
		(void)fflush(stdout);
		if (getline(&line, &cap, stdin) == -1)
			c = 'q';
		else if (*line == 'e' || *line == 'q' || (*line == 'w' && !bad))
			c = *line;
		else if (*line == 'w')
			say("a text with errors is not written, as "
			    "tlspact-compile would refuse it: %s and what "
			    "Postfix reads are as they were",
			    ed->path);
	}
	free(line);
	return c;
}

/* --- Written ------------------------------------------------------------- */

/* Whose rule for gateways is new, or another: nobody looked at them by it. */
static void
print_next(const struct mapbuild *b)
{
	const struct mapchange *x;
	struct names who = {0};
	struct buf list = {0};
	const char *name;
	uint32_t p;
	char *key;
	size_t i;

	for (i = 0; i < b->changes.n; i++) {
		x = &b->changes.v[i];
		if (x->client || x->is.row == NULL || x->same)
			continue;
		key = mem_printf("%.*s", (int)x->keylen, x->key);
		p = registry_find(b->registry, key);
		free(key);
		if (p == REGISTRY_NONE)
			continue;
		name = b->registry->partner[p].name;
		(void)names_add(&who, name, strlen(name));
	}
	for (i = 0; i < who.n && who.n <= NAMED; i++)
		buf_printf(&list, " %s", who.v[i]);
	if (who.n > 0)
		common_tell(stdout, "next: tlspact-probe%s",
		    who.n <= NAMED ? list.data : " --all");
	buf_free(&list);
	names_free(&who);
}

/* Nobody else may have written it, lock or not. */
static bool
is_as_it_was(const struct edit *ed)
{
	struct err e;
	size_t len;
	char *now = file_slurp(ed->path, REGISTRY_FILE_MAX, &len, NULL, &e);
	bool same =
	    now != NULL && len == ed->waslen && memcmp(now, ed->was, len) == 0;

	free(now);
	return same;
}

static int
compile_now(const struct edit *ed)
{
	const struct mapbuild_options opt = {
	    .quiet = true, .agreed = MAPEVENT_EDIT};
	struct mapbuild b = {0};
	int code = mapbuild_run(&b, &ed->run->c.set, &opt, time(NULL));

	if (code == EX_OK) {
		common_tell(stdout, "done: %s written, %s", ed->path,
		    b.written ? "and the map" : "the map says so already");
		print_next(&b);
	} else
		say("%s IS WRITTEN, BUT POSTFIX DOES NOT KNOW: the map was not "
		    "brought up to date. See tlspact-compile",
		    ed->path);
	mapbuild_release(&b);
	return code;
}

static int
publish_text(const struct edit *ed, struct publish *p, const char *text,
    size_t len, struct err *e)
{
	int fd = publish_open(p, e);

	if (fd == -1)
		return -1;
	if (!fdio_write(fd, text, len))
		return err_sys(e, EX_IOERR, "cannot write %s", ed->path);
	return publish_commit(p, e);
}

/* Hours may be in it: the copy stays. */
static void
leave_copy(struct edit *ed)
{
	say("your text is %s", ed->copy);
	free(ed->copy);
	ed->copy = NULL;
}

static int
write_back(struct edit *ed, struct publish *p, const char *text, size_t len)
{
	struct err e;

	if (!is_as_it_was(ed)) {
		say("%s was changed by others meanwhile: it is left as it is",
		    ed->path);
		leave_copy(ed);
		return EX_TEMPFAIL;
	}
	if (publish_text(ed, p, text, len, &e) == -1) {
		say_err(&e);
		leave_copy(ed);
		return e.code;
	}
	return compile_now(ed);
}

/* Until it is written, or given up. */
static int
edit(struct edit *ed, struct publish *p)
{
	bool bad, same;
	struct err e;
	char *text;
	size_t len;
	int c, code;

	do {
		if (run_editor(ed, &e) == -1)
			return common_failed(&e);
		text = file_slurp(ed->copy, REGISTRY_FILE_MAX, &len, NULL, &e);
		if (text == NULL)
			return common_failed(&e);
		same = len == ed->waslen && memcmp(text, ed->was, len) == 0;
		if (same) {
			free(text);
			say("%s: nothing was changed", ed->path);
			return EX_OK;
		}
		(void)rehearse(ed, &bad);
		c = ed->run->dry && !bad ? 'n' : ask(ed, bad);
		code = c == 'w' ? write_back(ed, p, text, len) : 1;
		free(text);
	} while (c == 'e');
	if (c == 'n')
		(void)printf("(dry run: nothing written)\n");
	else if (c == 'q')
		say("%s is left as it was", ed->path);
	return c == 'n' ? EX_OK : code;
}

/* --- All of it ----------------------------------------------------------- */

/* The file of the partner; a registry with errors is opened at its first. */
static int
find_file(const struct ctlrun *r, struct edit *ed)
{
	const struct partner *p;
	uint32_t i;

	ed->path = r->c.set.registry;
	if (r->lower.partner == NULL)
		return EX_OK;
	if (r->registry == NULL || r->c.kept) {
		say("where %s stands is not known before that is mended",
		    quotes(r->lower.partner).s);
		return EX_OK;
	}
	i = registry_meant(r->registry, r->lower.partner);
	if (i == REGISTRY_NONE)
		return ctlrun_nobody(r);
	p = &r->registry->partner[i];
	ed->path = partner_file(r->registry, p);
	ed->line = p->line;
	return EX_OK;
}

int
ctledit(void *run)
{
	struct edit ed = {.run = run};
	struct publish *p;
	struct err e;
	int code;

	if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
		say("edit needs a terminal");
		return EX_USAGE;
	}
	if ((code = find_file(run, &ed)) != EX_OK ||
	    (p = take_lock(&ed, &code)) == NULL)
		return code;
	ed.was = file_slurp(ed.path, REGISTRY_FILE_MAX, &ed.waslen, NULL, &e);
	if (ed.was == NULL || write_copy(&ed, &e) == -1)
		code = common_failed(&e);
	else
		code = edit(&ed, p);
	publish_free(p);
	remove_copy(&ed);
	free(ed.was);
	return code;
}
