#include "gotemplate/lex_p.h"

#include <stdio.h>
#include <string.h>

#include "base/rune.h"

#define TRIM_MARKER 2 /* octets of "- " and " -" */

static bool is_space(int32_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void tpl_lex_begin(struct tpl_lexer *l, const char *text, size_t len)
{
    *l = (struct tpl_lexer){.begin = text, .end = text + len, .at = text, .start = text, .line = 1};
}

/* ---- characters ---- */

static bool starts_with(const char *at, const char *end, const char *what)
{
    size_t len = strlen(what);
    return (size_t)(end - at) >= len && memcmp(at, what, len) == 0;
}

static int32_t peek(const struct tpl_lexer *l)
{
    unsigned width;
    return rune_read(l->at, l->end, &width);
}

static int32_t next(struct tpl_lexer *l)
{
    unsigned width;
    int32_t c = rune_read(l->at, l->end, &width);
    l->at += width;
    return c;
}

static bool accept(struct tpl_lexer *l, const char *set)
{
    if (l->at == l->end || *l->at == '\0' || strchr(set, *l->at) == NULL)
        return false;
    l->at++;
    return true;
}

static void accept_run(struct tpl_lexer *l, const char *set)
{
    while (accept(l, set)) {
    }
}

static bool trims_right(const char *at, const char *end)
{
    return end - at >= TRIM_MARKER && is_space(*at) && at[1] == '-' &&
           starts_with(at + TRIM_MARKER, end, "}}");
}

static bool at_right_delim(const struct tpl_lexer *l, bool *trims)
{
    *trims = trims_right(l->at, l->end);
    return *trims || starts_with(l->at, l->end, "}}");
}

/* Whether a word may end here. */
static bool at_terminator(const struct tpl_lexer *l)
{
    int32_t c = peek(l);
    return c == RUNE_END || is_space(c) || (c < 0x80 && c != 0 && strchr(".,|:)(", (int)c) != NULL) ||
           starts_with(l->at, l->end, "}}");
}

/* ---- words ---- */

/* Leaves out what has been read. */
static void skip(struct tpl_lexer *l)
{
    for (const char *p = l->start; p < l->at; p++)
        l->line += *p == '\n';
    l->start = l->at;
}

static void emit(struct tpl_lexer *l, enum tpl_token_kind kind, struct tpl_token *out)
{
    *out = (struct tpl_token){.kind = kind,
                              .pos = (uint32_t)(l->start - l->begin),
                              .line = l->line,
                              .text = {.at = l->start, .len = (size_t)(l->at - l->start)}};
    skip(l);
}

static void fail(struct tpl_lexer *l, struct tpl_token *out)
{
    *out = (struct tpl_token){.kind = TOKEN_ERROR,
                              .pos = (uint32_t)(l->start - l->begin),
                              .line = l->line,
                              .text = {.at = l->why, .len = strlen(l->why)}};
    l->at = l->start = l->end;
}

static void fail_with(struct tpl_lexer *l, const char *why, struct tpl_token *out)
{
    snprintf(l->why, sizeof l->why, "%s", why);
    fail(l, out);
}

static void fail_at_rune(struct tpl_lexer *l, const char *what, int32_t c, struct tpl_token *out)
{
    char octets[4];
    if (c == RUNE_END)
        snprintf(l->why, sizeof l->why, "%s U+FFFFFFFFFFFFFFFF", what);
    else if (rune_is_print(c))
        snprintf(l->why, sizeof l->why, "%s U+%04X '%.*s'", what, (unsigned)c, (int)rune_write(c, octets),
                 octets);
    else
        snprintf(l->why, sizeof l->why, "%s U+%04X", what, (unsigned)c);
    fail(l, out);
}

/* Reads up to the quotation mark that closes. */
static void quoted(struct tpl_lexer *l, int32_t mark, enum tpl_token_kind kind, const char *unclosed,
                   struct tpl_token *out)
{
    for (;;) {
        int32_t c = next(l);
        if (c == '\\' && mark != '`')
            c = next(l) == '\n' || l->at == l->end ? RUNE_END : 'x';
        if (c == RUNE_END || (c == '\n' && mark != '`')) {
            fail_with(l, unclosed, out);
            return;
        }
        if (c == mark) {
            emit(l, kind, out);
            return;
        }
    }
}

static bool scan_number(struct tpl_lexer *l)
{
    static const char decimal[] = "0123456789_", hexadecimal[] = "0123456789abcdefABCDEF_";
    const char *digits = decimal;
    accept(l, "+-");
    if (accept(l, "0")) {
        if (accept(l, "xX"))
            digits = hexadecimal;
        else if (accept(l, "oO"))
            digits = "01234567_";
        else if (accept(l, "bB"))
            digits = "01_";
    }
    accept_run(l, digits);
    if (accept(l, "."))
        accept_run(l, digits);
    if ((digits == decimal && accept(l, "eE")) || (digits == hexadecimal && accept(l, "pP"))) {
        accept(l, "+-");
        accept_run(l, decimal);
    }
    accept(l, "i");
    if (rune_is_word(peek(l))) {
        next(l);
        return false;
    }
    return true;
}

static void number(struct tpl_lexer *l, struct tpl_token *out)
{
    bool good = scan_number(l);
    int32_t sign = peek(l);
    if (good && (sign == '+' || sign == '-'))
        good = scan_number(l) && l->at[-1] == 'i';
    if (good) {
        emit(l, TOKEN_NUMBER, out);
        return;
    }
    struct bytes text;
    bytes_init(&text, sizeof l->why);
    rune_quote_text(&text, l->start, (size_t)(l->at - l->start), false);
    snprintf(l->why, sizeof l->why, "bad number syntax: %s", text.len > 0 ? text.data : "");
    bytes_free(&text);
    fail(l, out);
}

/* A word of letters and digits that has begun: a name, a field or a variable. */
static void word(struct tpl_lexer *l, enum tpl_token_kind kind, struct tpl_token *out)
{
    while (rune_is_word(peek(l)))
        next(l);
    if (!at_terminator(l)) {
        fail_at_rune(l, "bad character", peek(l), out);
        return;
    }
    if (kind == TOKEN_IDENTIFIER)
        kind = tpl_keyword((struct tpl_slice){.at = l->start, .len = (size_t)(l->at - l->start)});
    emit(l, kind, out);
}

/* ---- text and actions ---- */

/* A comment: true where it is closed as it should be. */
static bool comment(struct tpl_lexer *l, struct tpl_token *out)
{
    bool trims;
    const char *close = memmem(l->at + 2, (size_t)(l->end - l->at) - 2, "*/", 2);
    if (close == NULL) {
        fail_with(l, "unclosed comment", out);
        return false;
    }
    l->at = close + 2;
    if (!at_right_delim(l, &trims)) {
        fail_with(l, "comment ends before closing delimiter", out);
        return false;
    }
    l->at += trims ? 2 + TRIM_MARKER : 2;
    while (trims && l->at < l->end && is_space(*l->at))
        l->at++;
    skip(l);
    return true;
}

/* Text outside of actions, or the beginning of one. */
static void outside(struct tpl_lexer *l, struct tpl_token *out)
{
    for (;;) {
        const char *delim = memmem(l->at, (size_t)(l->end - l->at), "{{", 2);
        if (delim == NULL) {
            l->at = l->end;
            emit(l, l->at > l->start ? TOKEN_TEXT : TOKEN_END_OF_TEXT, out);
            return;
        }
        const char *behind = delim + 2;
        bool trims = l->end - behind >= TRIM_MARKER && *behind == '-' && is_space(behind[1]);
        l->at = delim;
        while (trims && l->at > l->start && is_space(l->at[-1]))
            l->at--;
        if (l->at > l->start) {
            emit(l, TOKEN_TEXT, out);
            l->at = delim;
            skip(l);
            return;
        }
        l->at = delim;
        skip(l);
        l->at = behind;
        if (!starts_with(behind + (trims ? TRIM_MARKER : 0), l->end, "/*")) {
            emit(l, TOKEN_LEFT_DELIM, out);
            l->in_action = true;
            l->parens = 0;
            l->at += trims ? TRIM_MARKER : 0;
            skip(l);
            return;
        }
        l->at += trims ? TRIM_MARKER : 0;
        skip(l);
        if (!comment(l, out))
            return;
    }
}

static void right_delim(struct tpl_lexer *l, bool trims, struct tpl_token *out)
{
    if (trims) {
        l->at += TRIM_MARKER;
        skip(l);
    }
    l->at += 2;
    emit(l, TOKEN_RIGHT_DELIM, out);
    while (trims && l->at < l->end && is_space(*l->at))
        l->at++;
    skip(l);
    l->in_action = false;
}

static void space(struct tpl_lexer *l, struct tpl_token *out)
{
    while (l->at < l->end && is_space(*l->at))
        l->at++;
    if (trims_right(l->at - 1, l->end)) /* the last one belongs to the marker */
        l->at--;
    emit(l, TOKEN_SPACE, out);
}

static void open_or_close(struct tpl_lexer *l, int32_t c, struct tpl_token *out)
{
    if (c == '(') {
        l->parens++;
        emit(l, TOKEN_LEFT_PAREN, out);
    } else if (l->parens == 0) {
        fail_with(l, "unexpected right paren", out);
    } else {
        l->parens--;
        emit(l, TOKEN_RIGHT_PAREN, out);
    }
}

/* A dot or a dollar sign that has been read, with the name behind it. */
static void dotted(struct tpl_lexer *l, int32_t c, struct tpl_token *out)
{
    if (at_terminator(l))
        emit(l, c == '$' ? TOKEN_VARIABLE : TOKEN_DOT, out);
    else
        word(l, c == '$' ? TOKEN_VARIABLE : TOKEN_FIELD, out);
}

static void other(struct tpl_lexer *l, int32_t c, struct tpl_token *out)
{
    switch (c) {
    case '=':
        emit(l, TOKEN_ASSIGN, out);
        return;
    case ':':
        if (next(l) == '=')
            emit(l, TOKEN_DECLARE, out);
        else
            fail_with(l, "expected :=", out);
        return;
    case '|':
        emit(l, TOKEN_PIPE, out);
        return;
    case '"':
        quoted(l, c, TOKEN_STRING, "unterminated quoted string", out);
        return;
    case '`':
        quoted(l, c, TOKEN_RAW_STRING, "unterminated raw quoted string", out);
        return;
    case '\'':
        quoted(l, c, TOKEN_CHAR_CONSTANT, "unterminated character constant", out);
        return;
    case '(':
    case ')':
        open_or_close(l, c, out);
        return;
    default:
        if (c < 0x80 && rune_is_print(c))
            emit(l, TOKEN_CHAR, out);
        else
            fail_at_rune(l, "unrecognized character in action:", c, out);
    }
}

static void inside(struct tpl_lexer *l, struct tpl_token *out)
{
    bool trims;
    if (at_right_delim(l, &trims)) {
        if (l->parens == 0)
            right_delim(l, trims, out);
        else
            fail_with(l, "unclosed left paren", out);
        return;
    }
    int32_t c = next(l);
    bool digit_follows = l->at < l->end && *l->at >= '0' && *l->at <= '9';
    if (c == RUNE_END) {
        fail_with(l, "unclosed action", out);
    } else if (is_space(c)) {
        l->at = l->start;
        space(l, out);
    } else if (c == '$' || (c == '.' && l->at < l->end && !digit_follows)) {
        dotted(l, c, out);
    } else if (c == '.' || c == '+' || c == '-' || (c >= '0' && c <= '9')) {
        l->at = l->start;
        number(l, out);
    } else if (rune_is_word(c)) {
        word(l, TOKEN_IDENTIFIER, out);
    } else {
        other(l, c, out);
    }
}

void tpl_lex_next(struct tpl_lexer *l, struct tpl_token *out)
{
    if (l->in_action)
        inside(l, out);
    else
        outside(l, out);
}
