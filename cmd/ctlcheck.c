/* Each question is asked alone: what fails says so, and stops no other. */
#include "ctlcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "arena.h"
#include "buf.h"
#include "cdbmap.h"
#include "checkup.h"
#include "ctllive.h"
#include "diag.h"
#include "err.h"
#include "file.h"
#include "ledger.h"
#include "listener.h"
#include "logjournal.h"
#include "mapbuild.h"
#include "mapgone.h"
#include "mapguard.h"
#include "mapheir.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "postmap.h"
#include "quote.h"
#include "registry.h"
#include "registry_keep.h"
#include "sidemap.h"
#include "target.h"
#include "wired.h"

#define ANSWER_MS 2000 /* for tlspactd */
#define ROWS_NAMED 3   /* that a new registry would change */

struct look {
	struct ctl c;
	const struct ctlcheck_postfix *postfix; /* NULL: was not asked */
	struct registry *registry;
	struct registry *live; /* ctllive.h */
	struct checkup_facts f;
	struct mapgone gone;
	struct mapheirs heirs;
	struct arena arena; /* texts */
};

/* Text that lives as long as the look. */
static const char *
keep(struct look *k, const char *s)
{
	return arena_copy(&k->arena, s, strlen(s));
}

/* --- Registry, map, guard ------------------------------------------------ */

static void
take_diags(struct look *k, struct diags *d)
{
	struct buf text = {0};
	size_t i;

	if (d->errors == 0)
		return;
	diag_sort(d);
	for (i = 0; d->v[i].kind != DIAG_ERROR;)
		i++;
	buf_printf(
	    &text, "%s:%u: %s", d->v[i].file, d->v[i].line, d->v[i].text);
	k->f.registry_fault = keep(k, text.data);
	k->f.registry_errors = d->errors;
	buf_free(&text);
}

/* Where a registry that is gone is still found; NULL: nowhere. */
static char *
copy_of(const struct settings *s)
{
	char *kept = mapbuild_kept(s->map), *words = NULL;

	if (access(kept, R_OK) == 0)
		words = mem_printf(
		    "; as it was last compiled it is in %s", quotes(kept).s);
	free(kept);
	return words;
}

static void
look_at_registry(struct look *k)
{
	struct registry *r;
	struct diags d = {0};
	char *copy, *text;
	struct stat st;
	struct err e;
	size_t i;

	r = registry_load(k->c.set.registry, k->f.now, &d, &e);
	if (r == NULL) {
		copy = e.code == EX_NOINPUT ? copy_of(&k->c.set) : NULL;
		text = mem_printf("%s%s", e.text, copy == NULL ? "" : copy);
		k->f.registry_fault = keep(k, text);
		free(copy);
		free(text);
		k->f.registry_hidden = e.code == EX_NOPERM;
	} else {
		take_diags(k, &d);
	}
	diag_free(&d);
	if (k->f.registry_fault != NULL) {
		registry_free(r);
		return;
	}
	k->registry = r;
	k->c.registry = r;
	k->f.digest = keep(k, r->digest);
	for (i = 0; i < r->nfiles; i++)
		if (stat(registry_file(r, (uint32_t)i), &st) == 0 &&
		    st.st_mtime > k->f.registry_written)
			k->f.registry_written = st.st_mtime;
}

/* As settings_target(), which need not ask what was answered already. */
static int
target(const struct look *k, struct target *t, struct err *e)
{
	const struct settings *s = &k->c.set;
	const struct postconf *c;

	if (k->postfix == NULL || k->postfix->fault)
		return settings_target(
		    s, SETTINGS_DIGEST | SETTINGS_LEVEL, t, e);
	if (settings_target(s, 0, t, e) == -1)
		return -1;
	c = &k->postfix->wired.c;
	if (*s->fingerprint_digest == '\0')
		t->sha256 = strcmp(postconf_text(
				       c, NULL, "smtp_tls_fingerprint_digest"),
				"sha256") == 0;
	target_take_level(t, postconf_get(c, NULL, "smtp_tls_security_level"));
	return 0;
}

/*
 * "a.example weaker, b.example removed and 2 more", those that lose first;
 * lost: of those alone that the guard counts. How many they are.
 */
static size_t
name_changes(
    struct look *k, const struct mapchanges *c, bool lost, const char **text)
{
	size_t n, i, named = 0;
	const struct mapchange **v = mapchanges_ranked(c, &n);
	struct buf out = {0};

	buf_puts(&out, "");
	for (i = 0; i < n; i++) {
		/* That of a downgrade has its own end. */
		if (lost ? !v[i]->lost
			 : v[i]->cause != MAPCAUSE_REGISTRY &&
			       v[i]->cause != MAPCAUSE_SETTINGS)
			continue;
		if (named++ >= ROWS_NAMED)
			continue;
		buf_printf(&out, "%s%s", named == 1 ? "" : ", ",
		    v[i]->client ? "gateway " : "");
		quote_put(&out, v[i]->key, v[i]->keylen);
		buf_printf(&out, " %s",
		    mapchange_stays(v[i], k->c.registry)
			? "opportunistic"
			: change_name(v[i]->change));
	}
	if (named > ROWS_NAMED)
		buf_printf(&out, " and %zu more", named - ROWS_NAMED);
	*text = keep(k, out.data);
	buf_free(&out);
	free(v);
	return named;
}

/* "5 partners would be gone: a, b, c and 2 more" */
static void
put_leaving(const struct names *v, const char *how, struct buf *out)
{
	if (v->n == 0)
		return;
	buf_printf(out,
	    "%s%u partner%s would be %s: ", out->len == 0 ? "" : "; ",
	    (unsigned)v->n, num_plural(v->n), how);
	names_put(v, ROWS_NAMED, out);
}

/* Who of r, which is in force, would be gone, or have less. */
static void
take_leaving(struct look *k, const struct registry *r)
{
	const struct registry *next = k->c.registry;
	bool *missing = registry_missing(next, r);
	struct names gone = {0}, weaker = {0};
	struct buf out = {0};
	const struct partner *p;
	size_t enforced = 0;
	uint32_t i, is;

	k->f.leaver =
	    arena_alloc(&k->arena, (r->npartners + 1) * sizeof(*k->f.leaver));
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		is = missing[i] ? REGISTRY_NONE
				: registry_partner(next, p->name);
		if (!missing[i] && (is == REGISTRY_NONE ||
				       !registry_weaker(&next->partner[is], p)))
			continue;
		enforced += p->attributes->mode == MODE_ENFORCED;
		k->f.leaver[k->f.nleavers++] = keep(k, p->name);
		(void)names_add(
		    missing[i] ? &gone : &weaker, p->name, strlen(p->name));
	}
	put_leaving(&gone, "gone", &out);
	put_leaving(&weaker, "weaker", &out);
	if (out.len > 0)
		k->f.leaving = keep(k, out.data);
	k->f.leaving_many = enforced > MAPGONE_FEW;
	names_free(&gone);
	names_free(&weaker);
	buf_free(&out);
	free(missing);
}

static void
look_at_leaving(struct look *k)
{
	char *path = mapbuild_kept(k->c.set.map);
	struct err ignored;
	struct registry *r = registry_load_kept(path, k->f.now, &ignored);

	if (r != NULL)
		take_leaving(k, r);
	registry_free(r);
	free(path);
}

/* What the next compile would make of it; downgrades do not count. */
static void
ask_guard(struct look *k, struct cdbmap *live)
{
	struct mapguard g;
	struct target t;
	struct err e;

	look_at_leaving(k);
	if (target(k, &t, &e) == -1) {
		k->f.guard_fault = keep(k, e.text);
		return;
	}
	mapguard_ask(
	    &g, k->c.registry, live, &t, k->c.set.max_weakened, k->f.now);
	take_diags(k, &g.diags);
	if (g.diags.errors > 0) {
		k->f.guard_fault = "the registry cannot be compiled";
	} else {
		k->f.refused = g.refused;
		k->f.allowed = g.allowed;
		k->f.lost = name_changes(k, &g.changes, true, &k->f.lost_rows);
		k->f.changed =
		    name_changes(k, &g.changes, false, &k->f.changes);
	}
	mapguard_release(&g);
}

static void
look_at_map(struct look *k)
{
	const struct settings *s = &k->c.set;
	struct cdbmap *live;
	struct err e;

	if ((live = cdbmap_open(s->map, &e)) == NULL) {
		k->f.map_fault = keep(k, e.text);
		k->f.map_hidden = e.code == EX_NOPERM;
		k->f.guard_fault = "there is no map to hold the registry "
				   "against";
		return;
	}
	if (!mapheader_get(&k->f.header, live)) {
		k->f.map_fault = "the map is not one of ours";
		k->f.guard_fault = k->f.map_fault;
	} else if (k->c.registry == NULL) {
		k->f.guard_fault = "the registry cannot be used";
	} else {
		ask_guard(k, live);
	}
	cdbmap_close(live);
	if (!sidemap_current(s->inbound_map, s->map))
		k->f.beside = s->inbound_map;
	else if (access(s->requiretls_map, F_OK) == 0 &&
		 !sidemap_current(s->requiretls_map, s->map))
		k->f.beside = s->requiretls_map;
}

/* A registry that is not taken changes nobody: its copy is what is live. */
static void
take_kept(struct look *k)
{
	struct registry *r = NULL;
	char *path;
	struct err e;
	size_t i;

	if (k->f.registry_fault != NULL || k->f.refused) {
		path = mapbuild_kept(k->c.set.map);
		r = registry_load_kept(path, k->f.now, &e);
		free(path);
	}
	if (r != NULL) {
		registry_free(k->registry);
		k->registry = r;
		k->c.registry = r;
		k->c.kept = k->f.kept = true;
	}
	for (i = 0; k->registry != NULL && i < k->registry->npartners; i++)
		k->f.drops |= k->registry->partner[i].attributes->on_failure ==
			      ON_FAILURE_DROP;
}

/* --- Postfix, tlspactd and its warden ------------------------------------- */

void
ctlcheck_ask(struct ctlcheck_postfix *p, const struct settings *s, time_t now)
{
	ctlcheck_forget(p);
	postmap_hurry();
	p->asked = now;
	p->fault = wired_check(&p->wired, s, &p->why) == -1;
	if (!p->fault)
		ctlown_look(&p->own, &p->wired.c, now);
}

void
ctlcheck_forget(struct ctlcheck_postfix *p)
{
	if (p->asked != 0) {
		ctlown_release(&p->own);
		wired_release(&p->wired);
	}
	*p = (struct ctlcheck_postfix){0};
}

/* Of a socket of ours: that is told with who answers there. */
static bool
take_barred(struct look *k, const struct finding *x)
{
	static const char *const socket[CHECKUP_SOCKETS] = {
	    "policy_socket", "socketmap_socket"};
	const char *const address[CHECKUP_SOCKETS] = {
	    k->c.set.policy_socket, k->c.set.socketmap_socket};
	size_t i;

	for (i = 0; i < CHECKUP_SOCKETS; i++)
		if (*address[i] != '\0' && strcmp(x->where, socket[i]) == 0) {
			k->f.socket[i].barred = x->what;
			return true;
		}
	return false;
}

static void
take_postfix(struct look *k)
{
	const struct findings *found = &k->postfix->wired.found;
	size_t i;

	if (k->postfix->fault)
		k->f.postfix_fault = k->postfix->why.text;
	k->f.own = k->postfix->own.v;
	k->f.nown = k->postfix->own.n;
	k->f.postfix_unasked = found->unasked;
	k->f.postfix = mem_zero(found->n + 1, sizeof(*k->f.postfix));
	for (i = 0; i < found->n; i++)
		if (found->v[i].kind == FINDING_FAULT &&
		    !take_barred(k, &found->v[i]))
			k->f.postfix[k->f.npostfix++] = mem_printf(
			    "%s: %s", found->v[i].where, found->v[i].what);
}

/* A listening socket may be systemd's: only an answer tells. */
static void
ask_daemon(struct look *k, const char *address, const char *question,
    struct checkup_socket *out)
{
	size_t len = strlen(question);
	char answer[256];
	struct err e;
	int fd;

	if (*address == '\0')
		return;
	if ((fd = listener_connect(address, ANSWER_MS, &e)) == -1) {
		out->answer =
		    e.code == EX_NOPERM ? CHECKUP_HIDDEN : CHECKUP_SILENT;
		out->why = keep(k, e.text);
		return;
	}
	if (send(fd, question, len, MSG_NOSIGNAL) == (ssize_t)len &&
	    recv(fd, answer, sizeof(answer), 0) > 0) {
		out->answer = CHECKUP_ANSWERS;
	} else {
		out->answer = CHECKUP_SILENT;
		(void)err_set(&e, 0, "%s: no answer within 2 s", address);
		out->why = keep(k, e.text);
	}
	close(fd);
}

/* It holds a lock beside the ledger for as long as it lives. */
static enum checkup_answer
ask_warden(const char *ledger)
{
	char *real = realpath(ledger, NULL), *path;
	enum checkup_answer answer = CHECKUP_SILENT;
	int fd;

	path = mem_printf("%s.warden", real == NULL ? ledger : real);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd != -1)
		answer = flock(fd, LOCK_SH | LOCK_NB) == -1 ? CHECKUP_ANSWERS
							    : CHECKUP_SILENT;
	else if (errno != ENOENT)
		answer = file_lock_holder(path) != 0 ? CHECKUP_ANSWERS
						     : CHECKUP_HIDDEN;
	if (fd != -1)
		close(fd);
	free(path);
	free(real);
	return answer;
}

static void
look_at_daemons(struct look *k)
{
	const struct settings *s = &k->c.set;

	k->f.asker = geteuid() == 0 ? "root" : "us";
	ask_daemon(k, s->policy_socket,
	    "request=smtpd_access_policy\nprotocol_state=RCPT\n"
	    "sender=check@tlspact.invalid\n\n",
	    &k->f.socket[0]);
	ask_daemon(k, s->socketmap_socket, "21:tls tlspact.invalid.a,",
	    &k->f.socket[1]);
	k->f.warden = ask_warden(s->ledger);
}

/* --- Record, evidence, log, room ------------------------------------------ */

static bool
take_flaw(const struct ledger_flaw *x, void *arg)
{
	struct look *k = arg;

	if (k->f.flaw == NULL)
		k->f.flaw = keep(k, x->text);
	return true;
}

static bool
take_notice(const struct ledger_notice *x, void *arg)
{
	struct look *k = arg;

	k->f.notices += x->tries > 0;
	return true;
}

static void
look_at_gone(struct look *k, struct ledger *l)
{
	struct err e;

	/* Why not is told where the record is. */
	if (mapgone_read(l, k->live != NULL ? k->live : k->registry,
		k->c.set.map, k->f.now - MAPGONE_SPAN, &k->gone, &e) == 0)
		k->f.gone = &k->gone;
	if (k->registry != NULL &&
	    mapheirs_read(
		l, k->registry, k->f.now - MAPHEIR_SPAN, &k->heirs, &e) == 0)
		k->f.heirs = &k->heirs;
}

static void
look_at_ledger(struct look *k)
{
	struct ledger *l;
	struct ledger_head head;
	time_t newest;
	struct err e;

	l = ledger_open(k->c.set.ledger, LEDGER_READ, &e);
	if (l == NULL && e.code == EX_NOINPUT) {
		k->f.no_ledger = true;
		return;
	}
	if (l == NULL ||
	    ledger_check(l, NULL, take_flaw, k, &head, &k->f.flaws, &e) == -1 ||
	    ledger_notices_due(l, INT64_MAX, take_notice, k, &e) == -1 ||
	    ledger_newest(l, &newest, &e) == -1) {
		k->f.ledger_fault = keep(k, e.text);
	} else {
		k->f.events = head.count;
		k->f.newest = newest;
		look_at_gone(k, l);
	}
	ledger_close(l);
}

static bool
take_position(const struct evidence_position *p, void *arg)
{
	struct look *k = arg;

	if (p->time > k->f.log_read)
		k->f.log_read = p->time;
	return true;
}

static void
look_at_evidence(struct look *k)
{
	const struct settings *s = &k->c.set;
	struct evidence *v;
	time_t newest;
	struct stat st;
	struct err e;

	v = evidence_open(s->evidence, s->ledger, EVIDENCE_READ, &e);
	if ((v == NULL && e.code != EX_NOINPUT) ||
	    evidence_positions(v, take_position, k, &e) == -1 ||
	    (v != NULL && evidence_newest(v, &newest, &e) == -1))
		k->f.evidence_fault = keep(k, e.text);
	else if (v != NULL && newest > k->f.newest)
		k->f.newest = newest;
	evidence_close(v);
	if (logjournal_is_name(s->mail_log))
		(void)logjournal_look(s->mail_log, &k->f.log_written);
	else if (stat(s->mail_log, &st) == 0)
		k->f.log_written = st.st_mtime;
	else if (errno == ENOENT)
		(void)logjournal_look(LOGJOURNAL, &k->f.log_written);
}

static void
look_at_file(const char *path, struct checkup_file *out)
{
	char *copy = mem_dup(path), *wal = mem_printf("%s-wal", path);
	struct statvfs fs;
	struct stat st;

	out->path = path;
	if (stat(path, &st) == 0)
		out->size += (uint64_t)st.st_size;
	if (stat(wal, &st) == 0)
		out->size += (uint64_t)st.st_size;
	out->known = statvfs(dirname(copy), &fs) == 0;
	if (out->known)
		out->room = (uint64_t)fs.f_bavail * fs.f_frsize;
	free(wal);
	free(copy);
}

/* --- All of it ------------------------------------------------------------ */

void
ctlcheck_look(struct ctlcheck_seen *seen, const struct ctl *c,
    const struct ctlcheck_postfix *postfix)
{
	struct look *k = mem_zero(1, sizeof(*k));
	const struct settings *s = &c->set;
	struct ctl_facts *partner;

	k->c = *c;
	k->postfix = postfix;
	k->f.now = c->now;
	k->f.probe_every = s->probe_every;
	look_at_registry(k);
	look_at_map(k);
	take_kept(k);
	k->live = ctllive_load(&k->c, k->f.header.registry, &k->c.behind);
	k->c.live = k->live;
	take_postfix(k);
	look_at_daemons(k);
	look_at_ledger(k);
	look_at_evidence(k);
	ctl_waiting(&k->c, k->registry, &k->f.waiting);
	look_at_file(s->ledger, &k->f.file[0]);
	look_at_file(s->evidence, &k->f.file[1]);
	(void)ctl_facts_all(&k->c, &partner, &k->f.npartners);
	k->f.partner = partner;
	*seen = (struct ctlcheck_seen){
	    .facts = &k->f, .partner = partner, .look = k};
	checkup_all(&k->f, &seen->list);
}

void
ctlcheck_release(struct ctlcheck_seen *seen)
{
	struct look *k = seen->look;
	size_t i;

	checkup_release(&seen->list);
	ctl_waiting_release(&k->f.waiting);
	mapgone_release(&k->gone);
	mapheirs_release(&k->heirs);
	ctl_facts_free(seen->partner, k->f.npartners);
	for (i = 0; i < k->f.npostfix; i++)
		free(k->f.postfix[i]);
	free(k->f.postfix);
	registry_free(k->registry);
	registry_free(k->live);
	arena_free(&k->arena);
	free(k);
	*seen = (struct ctlcheck_seen){0};
}

/* Why a registry that is not what the map was made of is not live; or NULL. */
static char *
behind(const struct look *k)
{
	if (k->f.refused)
		return mem_printf("REFUSED by max_weakened, which allows "
				  "%zu: %zu row%s of enforced domains "
				  "would be removed or weakened: %s; see "
				  "tlspact-compile --diff%s",
		    k->f.allowed, k->f.lost, num_plural(k->f.lost),
		    k->f.leaving == NULL ? k->f.lost_rows : k->f.leaving,
		    k->f.leaving == NULL ? ""
					 : MAPGONE_NOT_MEANT ": " MAPGONE_LOST);
	/* Nothing that is demanded would change. */
	if (k->f.changed == 0 && k->f.changes != NULL)
		return NULL;
	if (k->f.leaving != NULL)
		return mem_printf("newer than the map: %s" MAPGONE_SEE
				  ": " MAPGONE_LOST,
		    k->f.leaving);
	return mem_printf("newer than the map%s%s; %s",
	    k->f.changed == 0 ? "" : ": ",
	    k->f.changed == 0 ? "" : k->f.changes,
	    k->f.lost == 0 ? "run tlspact-compile"
			   : "see tlspact-compile --diff first");
}

void
ctlcheck_registry(const struct ctl *c, struct ctlcheck_registry *out)
{
	struct look k = {.c = *c, .f = {.now = c->now}};
	struct mapheader h;
	struct cdbmap *live;
	struct err e;
	char *copy;

	*out = (struct ctlcheck_registry){0};
	live = cdbmap_open(c->set.map, &e);
	if (live != NULL && mapheader_get(&h, live))
		(void)snprintf(out->map, sizeof(out->map), "%s", h.registry);
	if (c->registry == NULL) {
		copy = access(c->set.registry, F_OK) == -1 && errno == ENOENT
			   ? copy_of(&c->set)
			   : NULL;
		out->behind = mem_printf("%s, so that the last good map "
					 "stays%s",
		    copy == NULL ? "of no use" : "gone",
		    copy == NULL ? "; run tlspact-compile -n" : copy);
		free(copy);
	} else if (*out->map != '\0' &&
		   strcmp(out->map, c->registry->digest) != 0) {
		ask_guard(&k, live);
		out->behind = behind(&k);
		out->takes = k.f.lost > 0 || k.f.leaving != NULL;
		if (k.f.refused)
			out->refused = mem_dup(out->behind);
		else if (k.f.registry_fault != NULL)
			out->refused = mem_dup(k.f.registry_fault);
	}
	cdbmap_close(live);
	arena_free(&k.arena);
}
