#include "conf/label_selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_OCTETS   63  /* of a label's name and of its value */
#define PREFIX_MAX_OCTETS 253 /* of the domain in front of a label's name */
#define SHOWN_MAX         100 /* of a word in an error message */

/* ---- words ---- */

enum token { END, WORD, OPEN, CLOSE, COMMA, NOT, EQUAL, NOT_EQUAL, GREATER, LESS };

struct parser {
    const char *at; /* behind the token in hand */
    enum token token;
    const char *text; /* of the token */
    size_t len;
    struct errtext *e;
};

static void advance(struct parser *p)
{
    static const struct {
        const char *text;
        enum token token;
    } symbols[] = {
        {"==", EQUAL}, {"!=", NOT_EQUAL}, {"=", EQUAL},   {"!", NOT},  {"(", OPEN},
        {")", CLOSE},  {",", COMMA},      {">", GREATER}, {"<", LESS},
    };
    p->at += strspn(p->at, " \t\r\n");
    p->text = p->at;
    p->token = *p->at == '\0' ? END : WORD;
    p->len = strcspn(p->at, " \t\r\n=!(),><");
    for (size_t i = 0; p->len == 0 && p->token == WORD && i < sizeof symbols / sizeof *symbols; i++)
        if (strncmp(p->at, symbols[i].text, strlen(symbols[i].text)) == 0) {
            p->token = symbols[i].token;
            p->len = strlen(symbols[i].text);
        }
    p->at += p->len;
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->token == WORD && p->len == strlen(word) && memcmp(p->text, word, p->len) == 0;
}

static int unexpected(struct parser *p, const char *expected)
{
    return errtext_set(p->e, ERR_MALFORMED, "found '%.*s', expected: %s",
                       (int)(p->len < SHOWN_MAX ? p->len : SHOWN_MAX), p->text, expected);
}

/* ---- what a name and a value may be ---- */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits, `-`, `_` and `.`, of which the last three not at the ends. */
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(text[i]) && (i == 0 || i == len - 1 || strchr("-_.", text[i]) == NULL))
            return false;
    return len <= NAME_MAX_OCTETS;
}

/* A domain in lower case, the prefix of a label's name (RFC 1123). */
static bool is_domain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool letter = is_alnum(text[i]) && !(text[i] >= 'A' && text[i] <= 'Z');
        bool inside = i > 0 && i < len - 1 && text[i - 1] != '.' && text[i + 1] != '.';
        if (!letter &&
            !(inside && (text[i] == '-' || (text[i] == '.' && text[i - 1] != '-' && text[i + 1] != '-'))))
            return false;
    }
    return len > 0 && len <= PREFIX_MAX_OCTETS;
}

static int check_key(struct parser *p)
{
    const char *slash = memchr(p->text, '/', p->len);
    const char *name = slash == NULL ? p->text : slash + 1;
    size_t name_len = p->len - (size_t)(name - p->text);
    if (name_len > 0 && is_plain(name, name_len) &&
        (slash == NULL || is_domain(p->text, (size_t)(slash - p->text))))
        return ERR_OK;
    return unexpected(
        p, "a label such as app or example.com/app: a name of at most 63 letters, digits, '-', '_' "
           "and '.' that begins and ends with a letter or digit, and maybe a domain before it");
}

static int check_value(struct parser *p)
{
    if (is_plain(p->text, p->len))
        return ERR_OK;
    return unexpected(
        p, "a label's value: at most 63 letters, digits, '-', '_' and '.' that begin and end with a "
           "letter or digit");
}

/* ---- requirements ---- */

static int add_value(struct parser *p, struct label_requirement *r, const char *text, size_t len)
{
    char **values = realloc(r->values, (r->nvalues + 1) * sizeof *values);
    if (values == NULL)
        return errtext_set(p->e, -ENOMEM, "no memory");
    r->values = values;
    values[r->nvalues] = strndup(text, len);
    if (values[r->nvalues] == NULL)
        return errtext_set(p->e, -ENOMEM, "no memory");
    r->nvalues++;
    return ERR_OK;
}

static int compare_values(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_values(struct label_requirement *r)
{
    size_t kept = 0;
    if (r->nvalues > 0)
        qsort(r->values, r->nvalues, sizeof *r->values, compare_values);
    for (size_t i = 0; i < r->nvalues; i++) {
        if (kept > 0 && strcmp(r->values[i], r->values[kept - 1]) == 0)
            free(r->values[i]);
        else
            r->values[kept++] = r->values[i];
    }
    r->nvalues = kept;
}

static int read_value(struct parser *p, struct label_requirement *r)
{
    int ret = check_value(p);
    if (ret == ERR_OK)
        ret = add_value(p, r, p->text, p->len);
    advance(p);
    return ret;
}

/* `(a, b)`. Nothing between two of its marks is the empty value: `()`, `(a,)`, `(,a)`. */
static int read_values(struct parser *p, struct label_requirement *r)
{
    if (p->token != OPEN)
        return unexpected(p, "'('");
    int ret = ERR_OK;
    do {
        advance(p);
        if (p->token == WORD)
            ret = read_value(p, r);
        else if (p->token == COMMA || p->token == CLOSE)
            ret = add_value(p, r, "", 0);
        if (ret == ERR_OK && p->token != COMMA && p->token != CLOSE)
            ret = unexpected(p, "',', ')' or a value");
    } while (ret == ERR_OK && p->token == COMMA);
    if (ret == ERR_OK)
        advance(p);
    return ret;
}

static int read_exact(struct parser *p, struct label_requirement *r)
{
    advance(p);
    if (p->token == END || p->token == COMMA)
        return add_value(p, r, "", 0);
    return p->token == WORD ? read_value(p, r) : unexpected(p, "a value");
}

static int read_operator(struct parser *p, struct label_requirement *r)
{
    if (is_word(p, "in") || is_word(p, "notin")) {
        r->op = p->len == 2 ? LABEL_IN : LABEL_NOT_IN;
        advance(p);
        return read_values(p, r);
    }
    if (p->token == EQUAL || p->token == NOT_EQUAL) {
        r->op = p->token == EQUAL ? LABEL_IN : LABEL_NOT_IN;
        return read_exact(p, r);
    }
    if (p->token == GREATER || p->token == LESS)
        return errtext_set(p->e, ERR_MALFORMED, "'%c' isn't supported in label selectors", *p->text);
    return unexpected(p, "in, notin, =, ==, != or ','");
}

static int read_requirement(struct parser *p, struct label_requirement *r)
{
    bool absent = p->token == NOT;
    if (absent)
        advance(p);
    if (p->token != WORD)
        return unexpected(p, "a label");
    int ret = check_key(p);
    if (ret != ERR_OK)
        return ret;
    r->key = strndup(p->text, p->len);
    if (r->key == NULL)
        return errtext_set(p->e, -ENOMEM, "no memory");
    advance(p);
    r->op = absent ? LABEL_ABSENT : LABEL_EXISTS;
    return absent || p->token == END || p->token == COMMA ? ERR_OK : read_operator(p, r);
}

static int add_requirement(struct parser *p, struct label_selector *s)
{
    struct label_requirement *items = realloc(s->items, (s->count + 1) * sizeof *items);
    if (items == NULL)
        return errtext_set(p->e, -ENOMEM, "no memory");
    s->items = items;
    items[s->count] = (struct label_requirement){0};
    return read_requirement(p, &items[s->count++]);
}

static int compare_requirements(const void *a, const void *b)
{
    const struct label_requirement *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    if (order == 0)
        order = (int)x->op - (int)y->op;
    for (size_t i = 0; order == 0 && i < x->nvalues && i < y->nvalues; i++)
        order = strcmp(x->values[i], y->values[i]);
    return order != 0 ? order : (x->nvalues > y->nvalues) - (x->nvalues < y->nvalues);
}

static int read_all(struct parser *p, struct label_selector *s)
{
    advance(p);
    if (p->token == END)
        return ERR_OK;
    for (;;) {
        if (p->token != WORD && p->token != NOT)
            return unexpected(p, "a label or '!'");
        int ret = add_requirement(p, s);
        if (ret != ERR_OK)
            return ret;
        if (p->token == END)
            return ERR_OK;
        if (p->token != COMMA)
            return unexpected(p, "',' or the end");
        advance(p);
    }
}

int label_selector_parse(const char *text, struct label_selector *out, struct errtext *e)
{
    struct label_selector s = {0};
    struct parser p = {.at = text, .e = e};
    if (strlen(text) > LABEL_SELECTOR_MAX)
        return errtext_set(e, ERR_LIMIT, "it is longer than %zu octets", LABEL_SELECTOR_MAX);
    int ret = read_all(&p, &s);
    for (size_t i = 0; i < s.count; i++)
        sort_values(&s.items[i]);
    if (ret != ERR_OK) {
        label_selector_free(&s);
        return ret;
    }
    if (s.count > 0)
        qsort(s.items, s.count, sizeof *s.items, compare_requirements);
    *out = s;
    return ERR_OK;
}

void label_selector_free(struct label_selector *s)
{
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < s->items[i].nvalues; k++)
            free(s->items[i].values[k]);
        free(s->items[i].values);
        free(s->items[i].key);
    }
    free(s->items);
    *s = (struct label_selector){0};
}

/* ---- use ---- */

static bool has_value(const struct label_requirement *r, const char *value)
{
    for (size_t i = 0; i < r->nvalues; i++)
        if (strcmp(r->values[i], value) == 0)
            return true;
    return false;
}

bool label_selector_match(const struct label_selector *s,
                          const char *(*value_of)(const void *labels, const char *key), const void *labels)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct label_requirement *r = &s->items[i];
        const char *value = value_of(labels, r->key);
        bool met = r->op == LABEL_EXISTS   ? value != NULL
                   : r->op == LABEL_ABSENT ? value == NULL
                   : r->op == LABEL_IN     ? value != NULL && has_value(r, value)
                                           : value == NULL || !has_value(r, value);
        if (!met)
            return false;
    }
    return true;
}

int label_selector_text(const struct label_selector *s, struct bytes *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct label_requirement *r = &s->items[i];
        bool one = r->nvalues == 1, in = r->op == LABEL_IN;
        bytes_printf(out, "%s%s%s", i == 0 ? "" : ",", r->op == LABEL_ABSENT ? "!" : "", r->key);
        if (r->nvalues > 0)
            bytes_append_str(out, one ? (in ? "=" : "!=") : (in ? " in (" : " notin ("));
        for (size_t k = 0; k < r->nvalues; k++)
            bytes_printf(out, "%s%s", k == 0 ? "" : ",", r->values[k]);
        if (r->nvalues > 1)
            bytes_append_str(out, ")");
    }
    return out->error;
}
