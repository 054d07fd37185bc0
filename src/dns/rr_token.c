#include "dns/rr_token_p.h"

#include <string.h>

#include "base/err.h"
#include "base/octets16.h"

int rr_line_fail(struct rr_line *l, const char *why)
{
    if (l->why == NULL)
        l->why = why;
    return ERR_MALFORMED;
}

/* Steps over a string in quotes at l->at. */
static bool skip_quoted(struct rr_line *l)
{
    const char *at = l->at + 1;
    for (; at < l->end && *at != '"'; at++)
        if (*at == '\\' && ++at == l->end)
            break;
    if (at >= l->end) {
        rr_line_fail(l, "a quotation mark is not closed");
        return false;
    }
    l->at = at + 1;
    return true;
}

static bool ends_token(const struct rr_line *l)
{
    return l->at == l->end || rr_is_blank(*l->at) || *l->at == ';';
}

/* Whether one of 16 octets means something of its own. */
static inline bool has_special(const char *at)
{
    octets16 w = octets16_load(at);
    return octets16_any((w == ' ') | (w == '\t') | (w == ';') | (w == '"') | ((w & ~1) == '(') | (w == '\\'));
}

/* Octets of a token that mean nothing but themselves: most of a zone file. */
static void skip_plain(struct rr_line *l)
{
    static const bool special[256] = {
        [' '] = true, ['\t'] = true, [';'] = true, ['"'] = true, ['('] = true, [')'] = true, ['\\'] = true};
    while (l->end - l->at >= 16 && !has_special(l->at))
        l->at += 16;
    while (l->at < l->end && !special[(unsigned char)*l->at])
        l->at++;
}

static bool quoted_token(struct rr_line *l, struct rr_token *t)
{
    const char *begin = l->at + 1;
    if (!skip_quoted(l))
        return false;
    *t = (struct rr_token){.text = begin, .len = (size_t)(l->at - begin) - 1, .quoted = true};
    if (ends_token(l))
        return true;
    rr_line_fail(l, "expected a blank after a string in quotation marks");
    return false;
}

bool rr_next_token(struct rr_line *l, struct rr_token *t)
{
    while (l->at < l->end && rr_is_blank(*l->at))
        l->at++;
    if (ends_token(l))
        return false;
    if (*l->at == '"')
        return quoted_token(l, t);
    *t = (struct rr_token){.text = l->at};
    for (skip_plain(l); !ends_token(l); skip_plain(l)) {
        if (*l->at == '"') {
            t->quoted = t->mixed = true;
            if (!skip_quoted(l))
                return false;
            continue;
        }
        if (*l->at == '(' || *l->at == ')') {
            rr_line_fail(l, "parentheses are not read here: one record is one line");
            return false;
        }
        if (++l->at == l->end) { /* it was a backslash: what follows belongs to the token */
            rr_line_fail(l, "a backslash at the end of the line");
            return false;
        }
        l->at++;
    }
    t->len = (size_t)(l->at - t->text);
    return true;
}

bool rr_line_skip_general(struct rr_line *l)
{
    while (l->at < l->end && rr_is_blank(*l->at))
        l->at++;
    struct rr_line after = {.at = l->at + 2, .end = l->end};
    if (l->end - l->at < 2 || memcmp(l->at, "\\#", 2) != 0 || !ends_token(&after))
        return false;
    l->at = after.at;
    return true;
}
