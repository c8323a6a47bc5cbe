#!/usr/bin/env python3
"""check.py FOLDER: the page of a report in Chromium, as TAP.

In the folder are page.html; all.json, the same report; FROM_TO.json, reports of
parts of the same period, which the page has to count itself; and hostile.html,
the page of another one, in which those who could write something wrote what
would be markup.
"""
import glob
import html.parser
import json
import os
import re
import sys

from chrome import Chrome

MOST_SCRIPT = 12 * 1024
A4 = 688  # CSS pixels between the margins of the page

count = failed = 0


def ok(name, good, why=""):
    global count, failed
    count += 1
    print("%sok %d - %s" % ("" if good else "not ", count, name), flush=True)
    if not good:
        failed += 1
        print("# " + str(why)[:2000].replace("\n", "\n# "), flush=True)


def same(name, got, want):
    ok(name, got == want, "got %r\nwant %r" % (got, want))


class Markup(html.parser.HTMLParser):
    """What can be told without a browser."""

    def __init__(self, text):
        super().__init__()
        self.heads, self.ids, self.links, self.bad = [], [], [], []
        self.wants_title = None
        self.scripts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if self.wants_title and tag != "title":
            self.bad.append("svg without a title: %s" % self.wants_title)
        self.wants_title = None
        if re.fullmatch("h[1-6]", tag):
            self.heads.append(int(tag[1]))
        if tag == "th" and a.get("scope") not in ("col", "row") and a != {}:
            self.bad.append("th without scope: %s" % a)
        if tag == "svg" and a.get("aria-hidden") != "true":
            if a.get("role") != "img":
                self.bad.append("svg without a role: %s" % a)
            self.wants_title = str(a)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name == "href":
                self.links.append(value)
            elif name.startswith("on") or name in ("src", "style", "action"):
                self.bad.append("<%s %s=%r>" % (tag, name, value))
        if tag == "script":
            self.scripts.append(a)
        if tag in ("iframe", "img", "link", "base", "object", "embed", "b1"):
            self.bad.append("<%s>" % tag)


def markup(name, text):
    m = Markup(text)
    same(name + ": each element is as it should be", m.bad[:3], [])
    same(name + ": no id twice",
         [i for i in m.ids if m.ids.count(i) > 1][:3], [])
    same(name + ": links lead to places of the page",
         [h for h in m.links if h[:1] != "#" or h[1:] not in m.ids][:3], [])
    same(name + ": headings go down step by step",
         [(a, b) for a, b in zip([0] + m.heads, m.heads) if b > a + 1], [])
    same(name + ": the data and one script", m.scripts,
         [{"type": "application/json", "id": "data"}, {}])


def file_itself(text):
    markup("file", text)
    ok("file: no markup is shown as text", "&lt;" not in
       text[:text.index('id="data"')])
    script = text[text.rindex("<script>") + 8:text.rindex("</script>")]
    ok("file: the script is small", len(script.encode()) <= MOST_SCRIPT,
       len(script))
    ok("file: it is small", len(text.encode()) < 5e6)
    ok("file: says its language", '<html lang="en">' in text)
    ok("file: its policy allows nothing but its own",
       re.search(r'http-equiv="Content-Security-Policy" content="default-src '
                 r"'none'; base-uri 'none'; form-action 'none'; "
                 r"style-src 'sha256-[^' ]*'; script-src 'sha256-[^' ]*'\"",
                 text))


# Text whose contrast is below 4.5, or 3 if it is large (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
const number = c => c.match(/[\\d.]+/g).map(Number);
const light = c => {
    const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ?
        v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
};
const ground = e => {
    for (; e; e = e.parentElement) {
        const c = number(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] > 0)
            return c;
    }
    return [255, 255, 255];
};
const bad = new Map();
let seen = 0;
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, s = getComputedStyle(e);
    if (!walk.currentNode.data.trim() || /SCRIPT|STYLE/.test(e.tagName) ||
        e.tagName === "title" || s.display === "none")
        continue;
    seen++;
    const svg = e instanceof SVGElement;
    const a = light(number(svg ? s.fill : s.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const size = parseFloat(s.fontSize);
    const large = size >= 24 || (size >= 18.66 && s.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5))
        bad.set(e.tagName + "." + e.className + " " + ratio.toFixed(2), 1);
}
return [seen, [...bad.keys()].slice(0, 5)];
})()"""

# What stands out at the right, but for what is scrolled in a box of its own.
OUT = """[...document.querySelectorAll("body *")].filter(e => {
    const r = e.getBoundingClientRect();
    return r.width > 0 && r.right > innerWidth + 1 &&
        !(e.closest(".wrap") && getComputedStyle(e.closest(".wrap")).overflowX
            === "auto");
}).slice(0, 3).map(e => e.tagName + "." + (e.className.baseVal ?? e.className) +
    " " + e.getBoundingClientRect().right)"""

# The table of partners, and the figures.
ROWS = """[...document.querySelectorAll("#partners tbody tr")].map(r =>
    [...r.cells].map(c => c.textContent.trim()))"""
FIGURES = """Object.fromEntries([...document.querySelectorAll(".figures dd")]
    .map(e => [e.id, e.textContent]))"""
SHOWN = """[...document.querySelectorAll("#partners tbody tr")].filter(r =>
    r.getBoundingClientRect().height > 0).map(r => r.cells[0].textContent)"""
# One after the other, as somebody types them, and until it is drawn.
TYPE = """(async () => {
for (const [id, v] of %s) {
    document.getElementById(id).value = v;
    document.getElementById(id).dispatchEvent(new Event("input", {bubbles: true}));
}
await new Promise(r => requestAnimationFrame(() => setTimeout(r)));
})()"""


def looks(c, url):
    """How it looks: each way to look at it, with scripts and without."""
    for name, how in (("light", {}), ("dark", {"dark": True}),
                      ("narrow", {"width": 360, "height": 740}),
                      ("narrow, dark", {"width": 360, "dark": True}),
                      ("paper", {"width": A4, "media": "print"})):
        for script in (True, False):
            what = name + (", scripts on" if script else ", scripts off")
            c.open(url, script=script, **how)
            same(what + ": no word on the console", c.complaints(), [])
            same(what + ": no request", [u for u in c.requests() if
                                         not u.startswith("data:")], [])
            same(what + ": nothing stands out", c.ask(OUT), [])
            same(what + ": no wider than the window", c.ask(
                "document.documentElement.scrollWidth - innerWidth"), 0)
            seen, bad = c.ask(CONTRAST)
            ok(what + ": all text has contrast", seen > 500 and bad == [],
               "%s of %d" % (bad, seen))
            same(what + ": the tools are there", c.ask(
                "document.getElementById('tools').offsetHeight > 0"),
                script and name != "paper")
            same(what + ": its background", c.ask(
                "getComputedStyle(document.body).backgroundColor"),
                "rgb(20, 23, 26)" if how.get("dark") else
                "rgb(255, 255, 255)" if name == "paper" else
                "rgb(252, 251, 248)")
    c.open(url)
    pdf = c.paper()
    ok("paper: A4, and some pages",
       re.search(rb"/MediaBox ?\[0 0 59[45][.0-9]* 84[12][.0-9]*\]", pdf) and
       len(re.findall(rb"/Type ?/Page\b", pdf)) > 5)


def grouped(n):
    return format(n, ",")


def share(part, whole):
    if whole == 0 or part >= whole:
        return "-" if whole == 0 else "100 %"
    h = part * 10000 // whole
    h = 1 if h == 0 and part > 0 else h
    return "%d.%02d %%" % (h // 100, h % 100)


def wanted(rows):
    """Cells of a partner, or figures, from what JSON says of the mail."""
    def n(key, way=("in", "out")):
        return sum(r[key] for r in rows if r["direction"] in way)

    mails, clear = n("mails"), n("clear")
    cells = [grouped(n("mails", "out")), grouped(n("mails", ("in",))),
             share(mails - clear, mails),
             share(n("verified", "out"), n("mails", "out")),
             grouped(clear), grouped(n("required_failed")),
             grouped(n("lowered"))]
    figures = {"f-all": grouped(mails), "f-encrypted": cells[2],
               "f-verified": cells[3], "f-clear": cells[4],
               "f-kept": share(n("required_kept"), n("required_kept") +
                               n("required_failed")), "f-lowered": cells[6]}
    return cells, figures


def compare(c, what, j):
    """The table of partners and the figures are those of that report."""
    partners = [p["name"] for p in j["partners"]]
    mail = {p: [r for r in j["mail"] if r["partner"] == p] for p in partners}
    rows = c.ask(ROWS)
    same(what + ": the partners", sorted(r[0] for r in rows), sorted(partners))
    got = {r[0]: r[3:10] for r in rows}
    want = {p: wanted(mail[p])[0] for p in partners}
    wrong = [p for p in partners if got[p] != want[p]]
    same(what + ": their mail", [(p, got[p]) for p in wrong[:3]],
         [(p, want[p]) for p in wrong[:3]])
    same(what + ": the figures", c.ask(FIGURES),
         wanted(sum(mail.values(), []))[1])


def numbers(c, url, folder):
    """What is on the page is what JSON says, also after a change of range."""
    j = read(folder + "/all.json", json.load)
    c.open(url, script=False)
    compare(c, "scripts off", j)
    text = "document.querySelector('main').textContent"
    before = c.ask(text)
    c.open(url)
    compare(c, "scripts on", j)
    c.ask(TYPE % json.dumps([["filter", " "]]))
    compare(c, "counted by the script", j)
    same("counted by the script: all else stays", c.ask(text), before)
    parts = sorted(glob.glob(folder + "/*_*.json"))
    ok("there are parts", len(parts) > 2)
    for part in parts:
        days = os.path.basename(part)[:-5].split("_")
        c.ask(TYPE % json.dumps([["from", days[0]], ["to", days[1]]]))
        compare(c, "%s to %s" % tuple(days), read(part, json.load))
        ok("which is told", days[0] in c.ask(
            "document.getElementById('said').textContent"))
    c.ask(TYPE % json.dumps([["from", days[1]], ["to", days[0]]]))
    same("an end before the begin is the begin", c.ask(
        "document.getElementById('said').textContent.includes('%s to %s')" %
        (days[1], days[1])), True)
    controls(c, j, [p["name"] for p in j["partners"]])


def controls(c, j, partners):
    some = [p for p in partners if "on" in p]
    c.ask(TYPE % json.dumps([["filter", "ON"], ["from", j["from"]],
                             ["to", j["to"]]]))
    same("the filter leaves some", c.ask(SHOWN), some)
    same("and their figures", c.ask(FIGURES), wanted(
        [r for r in j["mail"] if r["partner"] in some])[1])
    same("and their sections", c.ask(
        "[...document.querySelectorAll('.p')].filter(e => !e.hidden).length"),
        len(some))
    c.ask("document.querySelector('#tools button').click()")
    c.ask("new Promise(r => setTimeout(r, 50))")
    same("the button shows all", len(c.ask(SHOWN)), len(partners))
    for column, key in ((0, lambda r: r[0]),
                        (3, lambda r: int(r[3].replace(",", ""))),
                        (11, lambda r: int(r[11]) if r[11] != "-" else -1)):
        th = "document.querySelectorAll('#partners th[scope=col]')[%d]" % column
        for order in ("ascending", "descending") if column == 0 else (
                "descending", "ascending"):
            c.ask(th + ".querySelector('button').click()")
            got = [key(r) for r in c.ask(ROWS)]
            same("sorted by column %d, %s" % (column, order), got,
                 sorted(got, reverse=order == "descending"))
            same("which is told", c.ask(th + ".ariaSort"), order)

def keyboard(c, url):
    c.open(url)
    for key in ("Tab", "Enter"):
        for kind in ("rawKeyDown", "char", "keyUp") if key == "Enter" else (
                "rawKeyDown", "keyUp"):
            c.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                   text="\r" if kind == "char" else "",
                   windowsVirtualKeyCode=9 if key == "Tab" else 13)
        if key == "Tab":
            same("the first stop is the way past the head",
                 c.ask("document.activeElement.className"), "skip")
            same("which is then seen", c.ask(
                "document.activeElement.getBoundingClientRect().left >= 0"),
                True)
    same("and leads to the answers", c.ask("location.hash"), "#answers")
    same("all that is to be used can be reached", c.ask(
        "[...document.querySelectorAll('a, button, input, .wrap')]"
        ".filter(e => e.tabIndex < 0).length"), 0)


def hostile(c, url, text):
    markup("hostile", text)
    for script in (True, False):
        c.open(url, script=script)
        same("hostile: no word on the console", c.complaints(), [])
        same("hostile: no request", [u for u in c.requests() if
                                     not u.startswith("data:")], [])
        same("hostile: nothing ran", c.ask("window.evil"), None)
        shown = c.ask("document.body.innerText")
        ok("hostile: it is shown", "<script>evil=1</script>" in shown)
        same("hostile: no mark turns the text round", re.findall(
            "[\u202a-\u202e\u2066-\u2069\u200e\u200f]", shown), [])
    c.open(url)
    c.ask(TYPE % json.dumps([["filter", "<script>evil=1</script>"]]))
    same("hostile: as a filter it finds nothing", c.ask(SHOWN), [])


def read(path, how):
    with open(path, encoding="utf-8") as f:
        return how(f)


def main():
    folder = os.path.abspath(sys.argv[1])
    page, bad = folder + "/page.html", folder + "/hostile.html"
    file_itself(read(page, lambda f: f.read()))
    c = Chrome()
    try:
        looks(c, "file://" + page)
        numbers(c, "file://" + page, folder)
        keyboard(c, "file://" + page)
        hostile(c, "file://" + bad, read(bad, lambda f: f.read()))
    finally:
        c.end()
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


main()
