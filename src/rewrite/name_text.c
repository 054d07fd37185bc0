#include "rewrite/name_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void name_text_put(struct name_text *t, const char *text, size_t len)
{
    if (t->overflow || len > sizeof t->text - t->len) {
        t->overflow = true;
        return;
    }
    if (len > 0)
        memcpy(t->text + t->len, text, len);
    t->len += len;
}

void name_text_put_str(struct name_text *t, const char *text)
{
    name_text_put(t, text, strlen(text));
}

int name_text_read(const struct name_text *t, uint8_t *out)
{
    return t->overflow ? ERR_MALFORMED : name_from_text(t->text, t->len, out);
}

void name_match_free(struct name_match *m)
{
    free(m->text);
    regex_free(m->regex);
    *m = (struct name_match){0};
}

static bool ends_in(const struct name_match *m, const char *name, size_t len)
{
    if (len < m->len)
        return false;
    const char *end = name + len - m->len;
    return m->any_case ? strncasecmp(end, m->text, m->len) == 0 : memcmp(end, m->text, m->len) == 0;
}

static const char *find(const struct name_match *m, const char *at, const char *end)
{
    return m->len == 0 ? NULL : memmem(at, (size_t)(end - at), m->text, m->len);
}

bool name_match_test(const struct name_match *m, const char *name, size_t len)
{
    switch (m->kind) {
    case MATCH_EXACT:
        return len == m->len && memcmp(name, m->text, len) == 0;
    case MATCH_PREFIX:
        return len >= m->len && memcmp(name, m->text, m->len) == 0;
    case MATCH_SUFFIX:
        return ends_in(m, name, len);
    case MATCH_SUBSTRING:
        return find(m, name, name + len) != NULL;
    default:
        return regex_match(m->regex, name, len, NULL, 0);
    }
}

/* The number in "{12}" at `at`, and the octets it takes; 0 octets where there is none. */
static size_t placeholder(const char *at, unsigned *number)
{
    size_t n = 1;
    *number = 0;
    while (at[n] >= '0' && at[n] <= '9' && *number <= REGEX_GROUPS_MAX)
        *number = *number * 10 + (unsigned)(at[n++] - '0');
    bool plain = n > 1 && (at[1] != '0' || n == 2); /* {01} is not {1} */
    return plain && at[n] == '}' ? n + 1 : 0;
}

static void expand(const struct regex *re, const char *to, const char *name, const struct regex_span *spans,
                   struct name_text *out)
{
    while (*to != '\0') {
        unsigned number;
        size_t plain = strcspn(to, "{");
        name_text_put(out, to, plain);
        to += plain;
        if (*to == '\0')
            break;
        size_t taken = placeholder(to, &number);
        if (taken > 0 && number <= regex_groups(re)) {
            name_text_put(out, name + spans[number].at, spans[number].len);
            to += taken;
        } else {
            name_text_put(out, to++, 1);
        }
    }
}

static void replace_each(const struct name_match *m, const char *to, const char *name, size_t len,
                         struct name_text *out)
{
    const char *end = name + len, *at;
    while ((at = find(m, name, end)) != NULL) {
        name_text_put(out, name, (size_t)(at - name));
        name_text_put_str(out, to);
        name = at + m->len;
    }
    name_text_put(out, name, (size_t)(end - name));
}

bool name_match_replace(const struct name_match *m, const char *to, const char *name, size_t len,
                        struct name_text *out)
{
    struct regex_span spans[1 + REGEX_GROUPS_MAX];
    out->len = 0;
    out->overflow = false;
    if (m->kind == MATCH_REGEX) {
        if (!regex_match(m->regex, name, len, spans, 1 + regex_groups(m->regex)))
            return false;
        expand(m->regex, to, name, spans, out);
        return true;
    }
    if (!name_match_test(m, name, len))
        return false;
    if (m->kind == MATCH_SUBSTRING) {
        replace_each(m, to, name, len, out);
        return true;
    }
    if (m->kind == MATCH_SUFFIX)
        name_text_put(out, name, len - m->len);
    name_text_put_str(out, to);
    if (m->kind == MATCH_PREFIX)
        name_text_put(out, name + m->len, len - m->len);
    return true;
}

bool name_match_kind_read(const char *word, enum name_match_kind *out)
{
    static const char *const words[] = {"exact", "prefix", "suffix", "substring",
                                        "regex"}; /* in the order of enum name_match_kind */
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(word, words[i]) == 0) {
            *out = (enum name_match_kind)i;
            return true;
        }
    return false;
}

static void make_lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text | 0x20);
}

char *name_text_lower(const char *text)
{
    char *out = strdup(text);
    if (out != NULL)
        make_lower(out);
    return out;
}

/* A dot at the end that is not itself escaped. */
static bool is_absolute(const char *text, size_t len)
{
    if (len == 0 || text[len - 1] != '.')
        return false;
    size_t backslashes = 0;
    while (backslashes < len - 1 && text[len - 2 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 0;
}

char *name_text_normal(const char *text)
{
    size_t len = strlen(text);
    char *out = malloc(len + 2);
    if (out == NULL)
        return NULL;
    memcpy(out, text, len);
    if (!is_absolute(text, len))
        out[len++] = '.';
    out[len] = '\0';
    make_lower(out);
    return out;
}
