#include "ctltop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "buf.h"
#include "checkprint.h"
#include "clock.h"
#include "columns.h"
#include "ctlcheck.h"
#include "ctlprint.h"
#include "ctlrun.h"
#include "err.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

#define USUAL_SECONDS 5
#define POSTFIX_SECONDS 60 /* what Postfix says is asked for that seldom */
#define SHOWN 5		   /* lines of a list */
#define NAMES 20	   /* columns of names */
#define ROWS 24		   /* of a terminal that does not tell */

/* Of ANSI: the other screen without a cursor, and back. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define END_OF_LINE "\033[K"
#define END_OF_SCREEN "\033[J"
#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

struct top {
	struct ctlrun *r;
	struct ctlcheck_postfix postfix;
	struct ctlcheck_seen seen;
	bool looked;
	time_t every; /* seconds */
	bool live;
};

/* --- Looking ------------------------------------------------------------- */

static void
forget(struct top *t)
{
	if (t->looked)
		ctlcheck_release(&t->seen);
	t->looked = false;
}

static void
look(struct top *t)
{
	struct ctl *c = &t->r->c;

	forget(t);
	c->now = time(NULL);
	if (t->postfix.asked == 0 || c->now < t->postfix.asked ||
	    c->now - t->postfix.asked >= POSTFIX_SECONDS)
		ctlcheck_ask(&t->postfix, &c->set, c->now);
	ctlcheck_look(&t->seen, c, &t->postfix);
	t->looked = true;
}

/* --- What is shown ------------------------------------------------------- */

/* A line of a list; what is too wide is cut. */
static void
put_row(struct buf *out, const char *name, const struct buf *what, size_t width)
{
	struct buf left = {0}, right = {0};
	size_t begin;

	quote_put(&left, name, strlen(name));
	quote_put(&right, what->data, what->len);
	begin = columns_width(left.data);
	begin = begin < NAMES ? NAMES : begin;
	/* The words are worth more than the end of a name. */
	if (begin > width / 2)
		begin = width / 2;
	buf_puts(out, "  ");
	columns_put(out, left.data, begin);
	begin += sizeof("   ") - 1;
	buf_putc(out, ' ');
	if (begin + columns_width(right.data) <= width)
		buf_puts(out, right.data);
	else if (begin < width)
		columns_put(out, right.data, width - begin);
	buf_putc(out, '\n');
	buf_free(&left);
	buf_free(&right);
}

static void
put_more(struct buf *out, size_t n)
{
	if (n > SHOWN)
		buf_printf(out, "  ... and %zu more\n", n - SHOWN);
}

struct ranked {
	const struct ctl_facts *f;
	time_t at;
};

static int
by_time(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void
put_lowered(const struct top *t, struct buf *out, size_t width)
{
	const struct checkup_facts *k = t->seen.facts;
	struct ranked *v = mem_zero(k->npartners + 1, sizeof(*v));
	char span[CLOCK_MAX], when[CLOCK_MAX];
	const struct ctl_facts *f;
	struct ctl_view view;
	struct buf w = {0};
	size_t i, n = 0;

	for (i = 0; i < k->npartners; i++) {
		view = ctl_facts_view(&k->partner[i], k->now);
		if (view.lowered)
			v[n++] = (struct ranked){&k->partner[i], view.end};
	}
	qsort(v, n, sizeof(*v), by_time);
	if (n > 0)
		buf_printf(out, "LOWERED: %zu partner%s\n", n, num_plural(n));
	for (i = 0; i < n && i < SHOWN; i++) {
		f = v[i].f;
		buf_printf(&w, "%s, ", ctl_facts_lowered_to(f));
		if (v[i].at > k->now)
			buf_printf(&w, "%s left, until %s",
			    clock_span(v[i].at - k->now, span),
			    clock_text(v[i].at, k->now, when));
		else
			buf_printf(&w, "OVER since %s, and still lowered",
			    clock_text(v[i].at, k->now, when));
		put_row(out, f->name, &w, width);
		buf_free(&w);
	}
	put_more(out, n);
	free(v);
}

static void
put_failures(const struct top *t, struct buf *out, size_t width)
{
	const struct checkup_facts *k = t->seen.facts;
	struct ranked *v = mem_zero(k->npartners + 1, sizeof(*v));
	struct buf w = {0};
	size_t i, n = 0;

	for (i = 0; i < k->npartners; i++)
		if (k->partner[i].failure.time != 0)
			v[n++] = (struct ranked){
			    &k->partner[i], -k->partner[i].failure.time};
	qsort(v, n, sizeof(*v), by_time);
	if (n > 0)
		buf_puts(out, "LAST FAILURES of mail\n");
	for (i = 0; i < n && i < SHOWN; i++) {
		ctlprint_failure(&v[i].f->failure, k->now, &w);
		put_row(out, v[i].f->name, &w, width);
		buf_free(&w);
	}
	put_more(out, n);
	free(v);
}

static void
put_waiting(const struct top *t, struct buf *out, size_t width)
{
	const struct ctl_waiting *x = &t->seen.facts->waiting;
	struct buf w = {0}, text = {0};

	if (x->fault != NULL)
		buf_printf(&w, "not known: %s", x->fault);
	else
		ctlprint_queue(&x->all, *x->who == '\0' ? "partners" : x->who,
		    t->seen.facts->now, &w);
	quote_put(&text, w.data, w.len);
	buf_puts(out, "WAITING: ");
	columns_wrap(out, text.data, sizeof("WAITING: ") - 1, "  ", width);
	buf_putc(out, '\n');
	buf_free(&text);
	buf_free(&w);
}

static void
render(const struct top *t, struct buf *out)
{
	size_t width = columns_of(STDOUT_FILENO);
	time_t now = t->seen.facts->now;
	char when[CLOCK_MAX];

	buf_printf(
	    out, "tlspactctl top, %s", clock_text_seconds(now, now, when));
	if (t->live)
		buf_printf(out, "; every %lld s; q quits", (long long)t->every);
	buf_putc(out, '\n');
	put_lowered(t, out, width);
	put_failures(t, out, width);
	put_waiting(t, out, width);
	checkprint_attention(&t->seen.list, out);
}

/* --- The terminal -------------------------------------------------------- */

/* Of the terminal as it was; exit(3) gives it back, too. */
static struct termios was;
static bool entered, has_keys;

static void
leave(void)
{
	if (!entered)
		return;
	entered = false;
	(void)fputs(LEAVE, stdout);
	(void)fflush(stdout);
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &was);
}

static void
enter(void)
{
	struct termios raw;

	has_keys = tcgetattr(STDIN_FILENO, &was) == 0;
	entered = true;
	(void)fputs(ENTER, stdout);
	if (!has_keys)
		return;
	raw = was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static size_t
rows_of(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0
		   ? size.ws_row
		   : ROWS;
}

/* A line, cut to the screen, and coloured by how it begins. */
static void
draw_line(const char *line, size_t n)
{
	size_t width = columns_of(STDOUT_FILENO);
	struct buf text = {0}, cut = {0};
	const char *colour = NULL;

	buf_puts(&text, "");
	buf_add(&text, line, n);
	if (columns_width(text.data) > width)
		columns_put(&cut, text.data, width);
	if (columns_colour(STDOUT_FILENO)) {
		if (strncmp(text.data, "CRITICAL ", 9) == 0)
			colour = RED;
		else if (strncmp(text.data, "WARNING ", 8) == 0)
			colour = YELLOW;
		else if (*line >= 'A' && *line <= 'Z')
			colour = BOLD;
	}
	if (colour != NULL)
		(void)fputs(colour, stdout);
	(void)fputs(cut.len > 0 ? cut.data : text.data, stdout);
	(void)fputs(colour != NULL ? PLAIN END_OF_LINE : END_OF_LINE, stdout);
	buf_free(&text);
	buf_free(&cut);
}

static size_t
count_lines(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

/* As much as fits; the last line tells how much does not. */
static int
draw(const struct top *t)
{
	size_t rows = rows_of(STDOUT_FILENO), lines, i;
	struct buf out = {0};
	const char *p, *end;

	render(t, &out);
	lines = count_lines(out.data);
	(void)fputs(HOME, stdout);
	for (i = 0, p = out.data; i < lines && i < rows; i++, p = end + 1) {
		end = strchr(p, '\n');
		if (i > 0)
			(void)putchar('\n');
		if (i == rows - 1 && lines > rows)
			(void)printf(
			    "... %zu lines more: tlspactctl check" END_OF_LINE,
			    lines - i);
		else
			draw_line(p, (size_t)(end - p));
	}
	(void)fputs(END_OF_SCREEN, stdout);
	buf_free(&out);
	return fflush(stdout) == 0 ? 0 : -1;
}

/* --- Waiting ------------------------------------------------------------- */

enum event { LOOK, DRAW, STOP, QUIT };

/* Signals that wait as well; the last one that ends us is in *ended. */
static enum event
take_signal(int fd, int *ended)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return DRAW;
	if (info.ssi_signo == SIGWINCH)
		return DRAW;
	if (info.ssi_signo == SIGTSTP)
		return STOP;
	*ended = info.ssi_signo == SIGINT ? 0 : (int)info.ssi_signo;
	return QUIT;
}

static enum event
take_key(void)
{
	char c;
	ssize_t n = read(STDIN_FILENO, &c, 1);

	if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
		return QUIT; /* the terminal is gone */
	return n == 1 && (c == 'q' || c == 'Q' || c == 4) ? QUIT : LOOK;
}

static enum event
wait_for(int signals, uint64_t until, int *ended)
{
	struct pollfd p[] = {{.fd = signals, .events = POLLIN},
	    {.fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN}};
	uint64_t now = clock_ns();
	int n = poll(p, sizeof(p) / sizeof(p[0]),
	    until <= now ? 0 : (int)((until - now) / 1000000 + 1));

	if (n <= 0)
		return n == 0 || errno == EINTR ? LOOK : QUIT;
	return p[0].revents != 0 ? take_signal(signals, ended) : take_key();
}

static void
stop(void)
{
	leave();
	(void)raise(SIGSTOP);
	enter();
}

static void
run(struct top *t, int signals, int *ended)
{
	enum event event = LOOK;
	uint64_t until = 0;

	while (event != QUIT) {
		if (event == LOOK) {
			look(t);
			until = clock_ns() + (uint64_t)t->every * 1000000000;
		} else if (event == STOP)
			stop();
		if (draw(t) == -1)
			return;
		event = wait_for(signals, until, ended);
	}
}

static int
live(struct top *t)
{
	static const int ours[] = {
	    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
	int ended = 0, signals;
	sigset_t set, old;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		(void)sigaddset(&set, ours[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* The terminal's size counts, which may change. */
	(void)unsetenv("COLUMNS");
	(void)atexit(leave);
	enter();
	run(t, signals, &ended);
	leave();
	close(signals);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (ended != 0)
		(void)raise(ended);
	return EX_OK;
}

static int
once(struct top *t)
{
	struct buf out = {0};

	look(t);
	render(t, &out);
	(void)fputs(out.data, stdout);
	buf_free(&out);
	return checkup_worst(&t->seen.list) == CHECKUP_OK ? EX_OK : 1;
}

static bool
is_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) != 0 && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

int
ctltop(void *run_)
{
	struct top t = {.r = run_, .live = is_screen()};
	int code;

	t.every = t.r->seconds == 0 ? USUAL_SECONDS : (time_t)t.r->seconds;
	code = t.live ? live(&t) : once(&t);
	forget(&t);
	ctlcheck_forget(&t.postfix);
	return code;
}
