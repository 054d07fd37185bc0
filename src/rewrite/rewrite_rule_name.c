/* Reading `rewrite name`: how the name is found, what becomes of it, and what becomes of the names in the
 * answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rewrite/rewrite_rule_p.h"
#include "serve/metadata.h"

#define PLACEHOLDERS_MAX 101 /* {0} to {100} are looked for, as in CoreDNS */

static unsigned placeholders_in(const char *text)
{
    unsigned used = 0;
    for (unsigned i = 0; i < PLACEHOLDERS_MAX; i++) {
        char word[8];
        snprintf(word, sizeof word, "{%u}", i);
        used += strstr(text, word) != NULL;
    }
    return used;
}

/* Compiles `from`, and holds `to` against its groups as CoreDNS does. */
static int read_regex(const char *from, const char *to, struct regex **out, struct errtext *e)
{
    struct errtext why = {0};
    int ret = regex_new(from, out, &why);
    if (ret == -ENOMEM)
        return ret;
    if (ret == ERR_LIMIT)
        return errtext_set(e, ERR_CONFIG, "%s", why.text);
    if (ret != ERR_OK)
        return errtext_set(e, ERR_CONFIG, "invalid regex matching pattern: %.200s", from);
    if (placeholders_in(to) <= regex_groups(*out))
        return ERR_OK;
    regex_free(*out);
    *out = NULL;
    return errtext_set(e, ERR_CONFIG,
                       "the rewrite regex pattern (%.200s) uses more subexpressions than its corresponding "
                       "matching regex pattern (%.200s)",
                       to, from);
}

/* ---- answer options ---- */

static int add_names(struct rewrite_rule *r, bool values, struct rewrite_names **out)
{
    struct rewrite_names *names = realloc(r->names, (r->nnames + 1) * sizeof *names);
    if (names == NULL)
        return -ENOMEM;
    r->names = names;
    *out = &names[r->nnames++];
    **out = (struct rewrite_names){.values = values};
    return ERR_OK;
}

static int read_answer_names(struct words w, const char *kind, const char *what, struct rewrite_rule *r,
                             struct errtext *e)
{
    struct rewrite_names *names;
    struct errtext why = {0};
    if (w.count < 2)
        return errtext_set(e, ERR_CONFIG, "%s answer rule for %s rule: 2 arguments required", what, kind);
    if (r->nnames == REWRITE_ANSWERS_MAX)
        return errtext_set(e, ERR_CONFIG, "more than %d answer rules for one rule", REWRITE_ANSWERS_MAX);
    int ret = add_names(r, strcmp(what, "value") == 0, &names);
    if (ret != ERR_OK)
        return ret;
    names->from.kind = MATCH_REGEX;
    ret = read_regex(w.at[0], w.at[1], &names->from.regex, &why);
    if (ret == ERR_CONFIG)
        return errtext_set(e, ret, "%s answer rule for %s rule: %s", what, kind, why.text);
    if (ret == ERR_OK && (names->to = name_text_normal(w.at[1])) == NULL)
        ret = -ENOMEM;
    return ret;
}

/* `answer (auto | (name|value FROM TO))`, several; `answer` may be left out from the second on. */
static int read_answers(struct words w, const char *kind, struct rewrite_rule *r, struct errtext *e)
{
    if (w.count < 2)
        return errtext_set(e, ERR_CONFIG, "invalid arguments for %.100s rule", kind);
    if (strcmp(w.at[0], "answer") != 0)
        return errtext_set(e, ERR_CONFIG,
                           "exceeded the number of arguments for a non-answer rule argument for %.100s rule",
                           kind);
    bool owners = false;
    while (w.count > 0) {
        if (strcmp(w.at[0], "answer") == 0)
            w = (struct words){w.at + 1, w.count - 1};
        if (w.count == 0)
            return errtext_set(e, ERR_CONFIG, "type missing for answer rule for %.100s rule", kind);
        const char *what = w.at[0];
        w = (struct words){w.at + 1, w.count - 1};
        if (strcmp(what, "auto") == 0) {
            r->put_back = true;
            continue;
        }
        if (strcmp(what, "name") != 0 && strcmp(what, "value") != 0)
            return errtext_set(e, ERR_CONFIG, "invalid type \"%.100s\" for answer rule for %.100s rule", what,
                               kind);
        int ret = read_answer_names(w, kind, what, r, e);
        if (ret != ERR_OK)
            return ret;
        owners = owners || strcmp(what, "name") == 0;
        w = (struct words){w.at + 2, w.count - 2};
    }
    if (r->put_back && owners)
        return errtext_set(e, ERR_CONFIG,
                           "auto name answer rule cannot be combined with explicit name anwer rules");
    return ERR_OK;
}

/* ---- the name ---- */

static int add_piece(struct rewrite_rule *r, const char *text, size_t len, bool is_label, int group)
{
    struct rewrite_piece *pieces = realloc(r->pieces, (r->npieces + 1) * sizeof *pieces);
    if (pieces == NULL)
        return -ENOMEM;
    r->pieces = pieces;
    char *copy = strndup(text, len);
    if (copy == NULL)
        return -ENOMEM;
    pieces[r->npieces++] = (struct rewrite_piece){.text = copy, .is_label = is_label, .group = group};
    return ERR_OK;
}

static int add_placeholder(struct rewrite_rule *r, const char *label, struct errtext *e)
{
    char *end;
    long number = strtol(label, &end, 10);
    if (end != label && *end == '\0' && label[0] != ' ') {
        if (number < 0 || number > (long)regex_groups(r->match.regex))
            return errtext_set(e, ERR_CONFIG, "capture group %.100s does not exist in name matching pattern",
                               label);
        return add_piece(r, "", 0, false, (int)number);
    }
    if (!metadata_is_label(label) || strpbrk(label, "{}") != NULL)
        return errtext_set(e, ERR_CONFIG, "invalid metadata label \"%.100s\" in name replacement", label);
    return add_piece(r, label, strlen(label), true, -1);
}

/* Cuts `to` at its placeholders. */
static int read_pieces(const char *to, struct rewrite_rule *r, struct errtext *e)
{
    while (*to != '\0') {
        size_t plain = strcspn(to, "{}");
        if (to[plain] == '}')
            return errtext_set(e, ERR_CONFIG, "unmatched closing brace in metadata name replacement");
        int ret = plain == 0 ? ERR_OK : add_piece(r, to, plain, false, -1);
        to += plain;
        if (ret != ERR_OK || *to == '\0')
            return ret;
        const char *close = strchr(to, '}');
        if (close == NULL)
            return errtext_set(e, ERR_CONFIG, "unclosed placeholder in metadata name replacement");
        char *label = strndup(to + 1, (size_t)(close - to - 1));
        ret = label == NULL ? -ENOMEM : add_placeholder(r, label, e);
        free(label);
        if (ret != ERR_OK)
            return ret;
        to = close + 1;
    }
    return ERR_OK;
}

static void pieces_lower(struct rewrite_rule *r)
{
    for (size_t i = 0; i < r->npieces; i++)
        for (char *p = r->pieces[i].text; !r->pieces[i].is_label && *p != '\0'; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p | 0x20);
}

/* A final dot is put behind what has none. */
static int read_metadata_to(const char *to, struct rewrite_rule *r, struct errtext *e)
{
    size_t len = strlen(to);
    int ret = read_pieces(to, r, e);
    if (ret == ERR_OK && (len == 0 || to[len - 1] != '.'))
        ret = add_piece(r, ".", 1, false, -1);
    pieces_lower(r);
    return ret;
}

static int read_regex_rule(const char *from, const char *to, bool metadata, struct rewrite_rule *r,
                           struct errtext *e)
{
    int ret = read_regex(from, metadata ? "" : to, &r->match.regex, e);
    if (ret != ERR_OK)
        return ret;
    if (metadata)
        return read_metadata_to(to, r, e);
    return (r->to = name_text_normal(to)) == NULL ? -ENOMEM : ERR_OK;
}

/* A suffix is put back as a suffix: before what the other options do. */
static int put_suffix_back(struct rewrite_rule *r)
{
    struct rewrite_names *names = realloc(r->names, (r->nnames + 2) * sizeof *names);
    if (names == NULL)
        return -ENOMEM;
    r->names = names;
    memmove(names + 2, names, r->nnames * sizeof *names);
    r->nnames += 2;
    r->put_back = false;
    for (unsigned i = 0; i < 2; i++) {
        names[i] = (struct rewrite_names){.values = i == 1};
        names[i].from = (struct name_match){
            .kind = MATCH_SUFFIX, .any_case = true, .text = strdup(r->to), .len = strlen(r->to)};
        names[i].to = strdup(r->match.text);
    }
    bool whole = names[0].from.text != NULL && names[0].to != NULL && names[1].from.text != NULL &&
                 names[1].to != NULL;
    return whole ? ERR_OK : -ENOMEM;
}

static int read_plain_rule(const char *from, const char *to, struct rewrite_rule *r, struct errtext *e)
{
    r->match.text = name_text_normal(from);
    r->to = name_text_normal(to);
    if (r->match.text == NULL || r->to == NULL)
        return -ENOMEM;
    r->match.len = strlen(r->match.text);
    if (r->match.kind == MATCH_EXACT) { /* CoreDNS holds the names against each other as if they were regular
                                           expressions, the wrong way round; what it refuses is refused */
        struct regex *unused = NULL;
        int ret = read_regex(r->to, r->match.text, &unused, e);
        regex_free(unused);
        r->put_back = true;
        return ret;
    }
    return r->match.kind == MATCH_SUFFIX && r->put_back ? put_suffix_back(r) : ERR_OK;
}

int rewrite_read_name(struct words w, struct rewrite_rule *r, struct errtext *e)
{
    if (w.count < 2)
        return errtext_set(e, ERR_CONFIG, "too few arguments for a name rule");
    if (w.count == 2)
        return read_plain_rule(w.at[0], w.at[1], r, e);
    char *kind = name_text_lower(w.at[0]); /* as it stands in error texts */
    if (kind == NULL)
        return -ENOMEM;
    int ret = ERR_OK;
    bool known = name_match_kind_read(kind, &r->match.kind);
    bool metadata = w.count > 3 && strcmp(w.at[3], "metadata") == 0;
    if (metadata && (!known || r->match.kind != MATCH_REGEX))
        ret = errtext_set(e, ERR_CONFIG, "metadata is only supported for regex name rules");
    size_t used = metadata ? 4 : 3;
    if (ret == ERR_OK && w.count > used)
        ret = read_answers((struct words){w.at + used, w.count - used}, kind, r, e);
    if (ret == ERR_OK && !known)
        ret =
            errtext_set(e, ERR_CONFIG,
                        "name rule supports only exact, prefix, suffix, substring, and regex name matching, "
                        "received: %.100s",
                        kind);
    free(kind);
    if (ret != ERR_OK)
        return ret;
    return r->match.kind == MATCH_REGEX ? read_regex_rule(w.at[1], w.at[2], metadata, r, e)
                                        : read_plain_rule(w.at[1], w.at[2], r, e);
}
