#include "rewrite/rewrite_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dns/rr.h"
#include "rewrite/rewrite_rule_p.h"

#define CLASS_CS 2
#define CLASS_HS 4

/* As Go prints a word in capitals; long ones are cut. */
static const char *capitals(const char *word, char out[64])
{
    size_t n = 0;
    for (; word[n] != '\0' && n < 63; n++)
        out[n] = word[n] >= 'a' && word[n] <= 'z' ? (char)(word[n] & ~0x20) : word[n];
    out[n] = '\0';
    return out;
}

static int read_class(const char *word, uint16_t *out, struct errtext *e)
{
    static const struct {
        const char *name;
        uint16_t code;
    } classes[] = {{"IN", CLASS_IN}, {"CS", CLASS_CS},     {"CH", CLASS_CH},
                   {"HS", CLASS_HS}, {"NONE", CLASS_NONE}, {"ANY", CLASS_ANY}};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strcasecmp(word, classes[i].name) == 0) {
            *out = classes[i].code;
            return ERR_OK;
        }
    char text[64];
    return errtext_set(e, ERR_CONFIG, "invalid class \"%s\"", capitals(word, text));
}

static int read_type(const char *word, uint16_t *out, struct errtext *e)
{
    *out = rrtype_from_text(word, strlen(word));
    char text[64];
    return *out != 0 ? ERR_OK : errtext_set(e, ERR_CONFIG, "invalid type \"%s\"", capitals(word, text));
}

static int read_codes(struct words w, struct rewrite_rule *r, struct errtext *e)
{
    int (*read)(const char *, uint16_t *, struct errtext *) =
        r->field == REWRITE_CLASS ? read_class : read_type;
    if (w.count != 2)
        return errtext_set(e, ERR_CONFIG, "%s rules must have exactly two arguments",
                           r->field == REWRITE_CLASS ? "class" : "type");
    int ret = read(w.at[0], &r->from_code, e);
    return ret == ERR_OK ? read(w.at[1], &r->to_code, e) : ret;
}

static const struct {
    const char *name;
    enum rewrite_field field;
    int (*read)(struct words w, struct rewrite_rule *r, struct errtext *e);
} fields[] = {
    {"name", REWRITE_NAME, rewrite_read_name},    {"class", REWRITE_CLASS, read_codes},
    {"type", REWRITE_TYPE, read_codes},           {"edns0", REWRITE_EDNS0, rewrite_read_edns0},
    {"ttl", REWRITE_TTL, rewrite_read_ttl},       {"cname", REWRITE_CNAME, rewrite_read_cname},
    {"rcode", REWRITE_RCODE, rewrite_read_rcode},
};

static int read_field(const char *first, struct words w, struct rewrite_rule *r, struct errtext *e)
{
    const char *word = w.at[0];
    w = (struct words){w.at + 1, w.count - 1};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcasecmp(word, fields[i].name) == 0) {
            r->field = fields[i].field;
            return fields[i].read(w, r, e);
        }
    if (strcasecmp(word, "answer") == 0)
        return errtext_set(e, ERR_CONFIG, "response rewrites must begin with a name rule");
    return errtext_set(e, ERR_CONFIG, "invalid rule type \"%.100s\"", first);
}

int rewrite_rule_read(const char *const *words, size_t count, struct rewrite_rule *out, struct errtext *e)
{
    struct words w = {words, count};
    *out = (struct rewrite_rule){0};
    if (count == 0)
        return errtext_set(e, ERR_CONFIG, "no rule type specified for rewrite");
    out->go_on = strcasecmp(words[0], "continue") == 0;
    if (out->go_on || strcasecmp(words[0], "stop") == 0) {
        w = (struct words){words + 1, count - 1};
        if (w.count == 0)
            return errtext_set(e, ERR_CONFIG, "%s rule must begin with a rule type",
                               out->go_on ? "continue" : "stop");
    }
    int ret = read_field(words[0], w, out, e);
    if (ret != ERR_OK)
        rewrite_rule_free(out);
    return ret == -ENOMEM ? errtext_set(e, ret, "no memory") : ret;
}

void rewrite_rule_free(struct rewrite_rule *r)
{
    for (size_t i = 0; i < r->nnames; i++) {
        name_match_free(&r->names[i].from);
        free(r->names[i].to);
    }
    for (size_t i = 0; i < r->npieces; i++)
        free(r->pieces[i].text);
    name_match_free(&r->match);
    free(r->names);
    free(r->pieces);
    free(r->to);
    free(r->edns0.data);
    *r = (struct rewrite_rule){0};
}
