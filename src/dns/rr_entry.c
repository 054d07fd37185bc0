/* The entry becomes the one line that rr_from_text_why() reads. */
#include "dns/rr_entry.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "dns/rrtype.h"

#define STRING_MAX 255 /* octets of a character-string (RFC 1035 section 3.3) */

struct entry {
    const char *at, *end;
    unsigned open; /* parentheses */
    const char *why;
};

struct word {
    const char *at;
    size_t len;
};

static int fail(struct entry *e, const char *why)
{
    e->why = why;
    return ERR_MALFORMED;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Steps over blanks, comments and, within parentheses, line ends. False at the end of the entry. */
static bool skip_blanks(struct entry *e)
{
    for (; e->at < e->end; e->at++) {
        char c = *e->at;
        if (c == '(') {
            e->open++;
        } else if (c == ')') {
            if (e->open == 0) {
                fail(e, "a parenthesis is closed that was not opened");
                return false;
            }
            e->open--;
        } else if (c == ';') {
            while (e->at + 1 < e->end && e->at[1] != '\n')
                e->at++;
        } else if (c == '\n' && e->open == 0) {
            return false;
        } else if (c != '\n' && !is_blank(c)) {
            return true;
        }
    }
    if (e->open > 0)
        fail(e, "a parenthesis is not closed");
    return false;
}

/* The next word; strings keep their quotation marks. False at the end of the entry or after a failure. */
static bool next_word(struct entry *e, struct word *w)
{
    if (e->why != NULL || !skip_blanks(e))
        return false;
    const char *begin = e->at;
    bool quoted = false;
    for (; e->at < e->end; e->at++) {
        char c = *e->at;
        if (c == '\\' && e->at + 1 < e->end)
            e->at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (is_blank(c) || c == '\n' || c == ';' || c == '(' || c == ')'))
            break;
    }
    if (quoted) {
        fail(e, "a quotation mark is not closed");
        return false;
    }
    *w = (struct word){.at = begin, .len = (size_t)(e->at - begin)};
    return true;
}

static bool is(const struct word *w, const char *text)
{
    return strlen(text) == w->len && memcmp(w->at, text, w->len) == 0;
}

/* Seconds, or a sum of numbers with the units s, m, h, d and w. */
static bool read_seconds(const struct word *w, uint32_t *out)
{
    uint64_t sum = 0, n = 0;
    for (size_t i = 0; i < w->len; i++) {
        static const char units[] = "smhdw";
        static const uint32_t seconds[] = {1, 60, 3600, 86400, 604800};
        char c = w->at[i];
        const char *unit = c == '\0' ? NULL : strchr(units, c | 0x20);
        if (c >= '0' && c <= '9')
            n = n * 10 + (unsigned)(c - '0');
        else if (unit == NULL)
            return false;
        else {
            sum += n * seconds[unit - units];
            n = 0;
        }
        if (sum + n > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)(sum + n);
    return w->len > 0;
}

static bool read_class(const struct word *w, unsigned *out)
{
    static const struct {
        const char *name;
        unsigned class;
    } names[] = {{"IN", CLASS_IN}, {"CS", 2}, {"CH", CLASS_CH}, {"HS", 4}, {"NONE", CLASS_NONE}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == w->len && strncasecmp(names[i].name, w->at, w->len) == 0) {
            *out = names[i].class;
            return true;
        }
    unsigned n = 0;
    if (w->len < 6 || w->len > 10 || strncasecmp(w->at, "CLASS", 5) != 0)
        return false;
    for (size_t i = 5; i < w->len; i++) {
        if (w->at[i] < '0' || w->at[i] > '9')
            return false;
        n = n * 10 + (unsigned)(w->at[i] - '0');
    }
    *out = n;
    return n <= UINT16_MAX;
}

static void put(struct bytes *line, const struct word *w)
{
    bytes_append(line, w->at, w->len);
    bytes_append_str(line, " ");
}

/* Owner, TTL and class in any order or not at all, type. */
static int read_head(struct entry *e, uint32_t ttl, struct bytes *line, uint16_t *type)
{
    struct word w;
    unsigned class = CLASS_IN;
    if (e->at < e->end && is_blank(*e->at))
        return fail(e, "expected a record that begins with its owner");
    if (!next_word(e, &w))
        return fail(e, "expected a record");
    if (w.at[0] == '$')
        return fail(e, "directives are not read here");
    put(line, is(&w, "@") ? &(struct word){.at = ".", .len = 1} : &w);
    bool have_ttl = false, have_class = false;
    while (next_word(e, &w)) {
        *type = rrtype_from_text(w.at, w.len);
        if (*type != 0) {
            bytes_printf(line, "%u CLASS%u ", ttl, class);
            put(line, &w);
            return ERR_OK;
        }
        if (!have_class && read_class(&w, &class))
            have_class = true;
        else if (!have_ttl && read_seconds(&w, &ttl))
            have_ttl = true;
        else
            return fail(e,
                        have_class && have_ttl ? "unknown record type" : "expected a TTL, a class or a type");
    }
    return fail(e, "expected a type");
}

/* A string that is longer than one may be is cut into several, as CoreDNS does. */
static void put_string(struct bytes *line, const struct word *w)
{
    bool quoted = w->at[0] == '"';
    unsigned octets = 0;
    for (size_t i = 0; i < w->len; i++) {
        if (octets == STRING_MAX && w->at[i] != '"') {
            bytes_append_str(line, quoted ? "\" \"" : " ");
            octets = 0;
        }
        size_t taken = 1;
        if (w->at[i] == '\\' && i + 1 < w->len)
            taken = w->at[i + 1] >= '0' && w->at[i + 1] <= '9' && i + 3 < w->len ? 4 : 2;
        octets += w->at[i] != '"';
        bytes_append(line, w->at + i, taken);
        i += taken - 1;
    }
    bytes_append_str(line, " ");
}

static int read_rdata(struct entry *e, uint16_t type, struct bytes *line)
{
    const struct rrtype_info *info = rrtype_info(type);
    const char *fields = info == NULL ? "" : info->fields;
    size_t nfields = strlen(fields);
    struct word w;
    for (size_t i = 0; next_word(e, &w); i++) {
        char field = i < nfields ? fields[i] : nfields > 0 ? fields[nfields - 1] : '\0';
        uint32_t seconds;
        if (i == 0 && is(&w, "\\#"))
            fields = "", nfields = 0;
        if (field == 'n' && is(&w, "@"))
            bytes_append_str(line, ". ");
        else if (type == RR_SOA && i > 2 && field == 'w' && read_seconds(&w, &seconds))
            bytes_printf(line, "%u ", seconds);
        else if (field == 'T')
            put_string(line, &w);
        else
            put(line, &w);
    }
    return e->why == NULL ? ERR_OK : ERR_MALFORMED;
}

int rr_from_entry(const char *text, size_t len, uint32_t default_ttl, struct bytes *line,
                  struct rr_storage *storage, struct rr *out, const char **why)
{
    struct entry e = {.at = text, .end = text + len};
    uint16_t type = 0;
    bytes_reset(line);
    for (const char *p = e.at; p < e.end && (is_blank(*p) || *p == '\n' || *p == ';'); p++) {
        if (*p == ';') /* lines without a record */
            while (p + 1 < e.end && p[1] != '\n')
                p++;
        if (*p == '\n')
            e.at = p + 1;
    }
    int ret = read_head(&e, default_ttl, line, &type);
    if (ret == ERR_OK)
        ret = read_rdata(&e, type, line);
    if (line->error != ERR_OK) {
        *why = "the record's text is too long";
        return line->error;
    }
    if (ret != ERR_OK) {
        *why = e.why;
        return ret;
    }
    return rr_from_text_why(line->data, line->len, storage, out, why);
}
