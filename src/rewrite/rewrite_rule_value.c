/* Reading `rewrite ttl`, `rewrite rcode` and `rewrite cname`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rewrite/rewrite_rule_p.h"

#define TTL_MAX   2147483647u
#define RCODE_MAX 23

int rewrite_read_number(const char *word, unsigned bits, bool any_base, uint64_t *out, struct errtext *e)
{
    const char *at = word;
    unsigned base = 10;
    if (any_base && at[0] == '0' && at[1] != '\0') {
        char c = (char)(at[1] | 0x20);
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        at += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
    }
    bool bad = *at == '\0', large = false;
    uint64_t value = 0;
    for (; !bad && *at != '\0'; at++) {
        char c = (char)(*at >= 'A' && *at <= 'F' ? *at | 0x20 : *at);
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 99;
        bad = digit >= base;
        large = large || __builtin_mul_overflow(value, base, &value) ||
                __builtin_add_overflow(value, digit, &value) || value >> bits != 0;
    }
    if (!bad && !large) {
        *out = value;
        return ERR_OK;
    }
    return errtext_set(e, ERR_CONFIG, "strconv.ParseUint: parsing \"%.100s\": %s", word,
                       bad ? "invalid syntax" : "value out of range");
}

/* [exact|prefix|suffix|substring|regex] NAME of a ttl or rcode rule. */
static int read_match(const char *kind, const char *name, const char *field, struct rewrite_rule *r,
                      struct errtext *e)
{
    r->match.kind = MATCH_EXACT;
    if (kind != NULL && !name_match_kind_read(kind, &r->match.kind))
        return errtext_set(e, ERR_CONFIG,
                           "%s rule supports only exact, prefix, suffix, substring, and regex name matching",
                           field);
    if (r->match.kind == MATCH_REGEX) {
        if (strlen(name) > REGEX_PATTERN_MAX)
            return errtext_set(e, ERR_CONFIG, "regex pattern too long in a %s rule: %zu > %d", field,
                               strlen(name), REGEX_PATTERN_MAX);
        int ret = regex_new(name, &r->match.regex, NULL);
        return ret == ERR_OK || ret == -ENOMEM
                   ? ret
                   : errtext_set(e, ERR_CONFIG, "invalid regex pattern in a %s rule: %.200s", field, name);
    }
    r->match.text = name_text_normal(name);
    if (r->match.text == NULL)
        return -ENOMEM;
    r->match.len = strlen(r->match.text);
    return ERR_OK;
}

/* One end of a TTL range; empty: `other`. */
static bool read_ttl_end(const char *text, size_t len, uint32_t other, uint32_t *out)
{
    char word[16];
    uint64_t value;
    *out = other;
    if (len == 0)
        return true;
    if (len >= sizeof word)
        return false;
    memcpy(word, text, len);
    word[len] = '\0';
    if (rewrite_read_number(word, 32, false, &value, NULL) != ERR_OK)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* "30", "30-300", "-300" or "30-". */
static bool read_ttl(const char *text, uint32_t *min, uint32_t *max)
{
    const char *dash = strchr(text, '-');
    if (dash == NULL) {
        bool good = *text != '\0' && read_ttl_end(text, strlen(text), 0, min);
        *max = *min;
        return good;
    }
    size_t low = (size_t)(dash - text), high = strlen(dash + 1);
    return low + high > 0 && read_ttl_end(text, low, 0, min) && read_ttl_end(dash + 1, high, TTL_MAX, max) &&
           *min <= *max;
}

int rewrite_read_ttl(struct words w, struct rewrite_rule *r, struct errtext *e)
{
    if (w.count < 2)
        return errtext_set(e, ERR_CONFIG, "too few (%zu) arguments for a ttl rule", w.count);
    const char *ttl = w.count == 2 ? w.at[1] : w.count == 3 ? w.at[2] : "";
    if (!read_ttl(ttl, &r->ttl_min, &r->ttl_max))
        return errtext_set(e, ERR_CONFIG, "invalid TTL '%.100s' for a ttl rule", ttl);
    return w.count == 3 ? read_match(w.at[0], w.at[1], "ttl", r, e) : read_match(NULL, w.at[0], "ttl", r, e);
}

static bool read_rcode(const char *word, uint16_t *out)
{
    static const char *const names[RCODE_MAX + 1] = {
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",  "DSOTYPENI", "",        "",        "",         "",
        "BADSIG",  "BADKEY",  "BADTIME",  "BADMODE",   "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE"};
    uint64_t number;
    if (rewrite_read_number(word, 32, false, &number, NULL) == ERR_OK && number <= RCODE_MAX) {
        *out = (uint16_t)number;
        return true;
    }
    if (strcasecmp(word, "NOTIMPL") == 0)
        word = "NOTIMP";
    for (uint16_t i = 0; i <= RCODE_MAX && word[0] != '\0'; i++)
        if (strcasecmp(word, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

int rewrite_read_rcode(struct words w, struct rewrite_rule *r, struct errtext *e)
{
    if (w.count < 3)
        return errtext_set(e, ERR_CONFIG, "too few (%zu) arguments for a rcode rule", w.count);
    const char *from = w.count == 3 ? w.at[1] : w.count == 4 ? w.at[2] : "";
    const char *to = w.count == 3 ? w.at[2] : w.count == 4 ? w.at[3] : "";
    if (!read_rcode(from, &r->from_code))
        return errtext_set(e, ERR_CONFIG, "invalid matching RCODE '%.100s' for a rcode rule", from);
    if (!read_rcode(to, &r->to_code))
        return errtext_set(e, ERR_CONFIG, "invalid replacement RCODE '%.100s' for a rcode rule", to);
    return w.count == 4 ? read_match(w.at[0], w.at[1], "rcode", r, e)
                        : read_match(NULL, w.at[0], "rcode", r, e);
}

static int read_cname_regex(const char *pattern, struct rewrite_rule *r, struct errtext *e)
{
    struct errtext why = {0};
    if (strlen(pattern) > REGEX_PATTERN_MAX)
        return errtext_set(e, ERR_CONFIG, "regex pattern too long in a cname rule: %zu > %d", strlen(pattern),
                           REGEX_PATTERN_MAX);
    int ret = regex_new(pattern, &r->match.regex, &why);
    if (ret == ERR_OK || ret == -ENOMEM)
        return ret;
    return errtext_set(e, ERR_CONFIG, "invalid cname rewrite regex pattern: %s", why.text);
}

/* Targets are compared as they are written: a final dot is put behind exact ones alone. */
int rewrite_read_cname(struct words w, struct rewrite_rule *r, struct errtext *e)
{
    if (w.count != 2 && w.count != 3)
        return errtext_set(e, ERR_CONFIG, "too few (%zu) arguments for a cname rule", w.count);
    r->match.kind = MATCH_EXACT;
    if (w.count == 3 && !name_match_kind_read(w.at[0], &r->match.kind)) {
        char *kind = name_text_lower(w.at[0]);
        int ret =
            kind == NULL ? -ENOMEM : errtext_set(e, ERR_CONFIG, "unknown cname rewrite type: %.100s", kind);
        free(kind);
        return ret;
    }
    bool exact = r->match.kind == MATCH_EXACT;
    const char *from = w.at[w.count - 2], *to = w.at[w.count - 1];
    r->match.text = exact ? name_text_normal(from) : name_text_lower(from);
    r->to = exact ? name_text_normal(to) : name_text_lower(to);
    if (r->match.text == NULL || r->to == NULL)
        return -ENOMEM;
    r->match.len = strlen(r->match.text);
    return r->match.kind == MATCH_REGEX ? read_cname_regex(r->match.text, r, e) : ERR_OK;
}
