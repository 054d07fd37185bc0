/* The words of an expression. */
#include <string.h>

#include "base/rune.h"
#include "exprlang/expr_p.h"

bool expr_same(const struct expr_token *t, const char *text)
{
    return strlen(text) == t->len && memcmp(text, t->text, t->len) == 0;
}

static bool is_letter(int32_t c)
{
    return c == '$' || (rune_is_word(c) && !(c >= '0' && c <= '9'));
}

static bool is_word(int32_t c)
{
    return c == '$' || rune_is_word(c);
}

static int32_t peek(const struct expr_parser *p)
{
    unsigned width;
    return rune_read(p->at, p->end, &width);
}

static bool accept(struct expr_parser *p, const char *set)
{
    if (p->at == p->end || *p->at == '\0' || strchr(set, *p->at) == NULL)
        return false;
    p->at++;
    return true;
}

static void accept_word(struct expr_parser *p)
{
    unsigned width;
    while (is_word(rune_read(p->at, p->end, &width)))
        p->at += width;
}

static uint32_t here(const struct expr_parser *p)
{
    return (uint32_t)(p->at - p->text);
}

static void emit(struct expr_parser *p, const char *begin, enum expr_token_kind kind)
{
    p->now = (struct expr_token){
        .kind = kind, .pos = (uint32_t)(begin - p->text), .text = begin, .len = (size_t)(p->at - begin)};
}

/* ---- strings ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits behind \x, \u, \U or an octal number. */
static bool read_code(struct expr_parser *p, unsigned count, int base, int32_t *out)
{
    int64_t value = 0;
    for (unsigned i = 0; i < count; i++, p->at++) {
        if (p->at == p->end || hex_digit(*p->at) >= base)
            return false;
        value = value * base + hex_digit(*p->at);
    }
    *out = (int32_t)value;
    return value <= RUNE_MAX && (value < 0xD800 || value > 0xDFFF);
}

/* \u{1F600} */
static bool read_braced(struct expr_parser *p, int32_t *out)
{
    unsigned count = 0;
    while (p->at + 1 + count < p->end && hex_digit(p->at[1 + count]) < 16)
        count++;
    if (count == 0 || count > 6 || p->at + 1 + count == p->end || p->at[1 + count] != '}')
        return false;
    p->at++;
    if (!read_code(p, count, 16, out))
        return false;
    p->at++;
    return true;
}

/* What stands behind a backslash. */
static bool read_escape(struct expr_parser *p, char mark, int32_t *out)
{
    static const char letters[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";
    char c = p->at < p->end ? *p->at++ : '\0';
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    if (letter != NULL)
        *out = meanings[letter - letters];
    else if (c == '\\' || c == mark)
        *out = c;
    else if (c == 'x')
        return read_code(p, 2, 16, out);
    else if (c == 'u' && p->at < p->end && *p->at == '{')
        return read_braced(p, out);
    else if (c == 'u' || c == 'U')
        return read_code(p, c == 'u' ? 4 : 8, 16, out);
    else if (c >= '0' && c <= '7') {
        p->at--;
        return read_code(p, 3, 8, out) && *out <= 255;
    } else
        return false;
    return true;
}

static void string(struct expr_parser *p, char mark)
{
    const char *begin = p->at - 1;
    char *to = arena_alloc(&p->x->arena, (size_t)(p->end - p->at) + 4), *text = to;
    if (to == NULL) {
        p->error = p->x->arena.error;
        return;
    }
    for (;;) {
        unsigned width;
        int32_t c = rune_read(p->at, p->end, &width);
        if (c == RUNE_END || c == '\n') {
            expr_refuse(p, here(p), "literal not terminated");
            return;
        }
        p->at += width;
        if (c == (uint8_t)mark)
            break;
        if (c != '\\') {
            memcpy(to, p->at - width, width);
            to += width;
        } else if (read_escape(p, mark, &c)) {
            to += rune_write(c, to);
        } else {
            expr_refuse(p, here(p) - 1, "invalid char escape");
            return;
        }
    }
    emit(p, begin, TOKEN_STRING);
    p->now.text = text;
    p->now.len = (size_t)(to - text);
}

/* Between back-quotes nothing is escaped but a doubled back-quote. */
static void raw_string(struct expr_parser *p)
{
    const char *begin = p->at - 1;
    char *to = arena_alloc(&p->x->arena, (size_t)(p->end - p->at) + 1), *text = to;
    if (to == NULL) {
        p->error = p->x->arena.error;
        return;
    }
    for (;; p->at++) {
        if (p->at == p->end) {
            expr_refuse(p, here(p), "literal not terminated");
            return;
        }
        if (*p->at == '`' && (p->at + 1 == p->end || p->at[1] != '`'))
            break;
        if (*p->at == '`')
            p->at++;
        *to++ = *p->at;
    }
    p->at++;
    emit(p, begin, TOKEN_STRING);
    p->now.text = text;
    p->now.len = (size_t)(to - text);
}

/* ---- other words ---- */

static void number(struct expr_parser *p)
{
    const char *begin = p->at, *digits = "0123456789_";
    if (accept(p, "0")) {
        if (accept(p, "xX"))
            digits = "0123456789abcdefABCDEF_";
        else if (accept(p, "oO"))
            digits = "01234567_";
        else if (accept(p, "bB"))
            digits = "01_";
    }
    while (accept(p, digits)) {
    }
    if (p->at < p->end && *p->at == '.' && (p->at + 1 == p->end || p->at[1] != '.')) { /* and not 1..3 */
        p->at++;
        while (accept(p, digits)) {
        }
    }
    if (accept(p, "eE")) {
        accept(p, "+-");
        while (accept(p, digits)) {
        }
    }
    if (is_word(peek(p)))
        expr_refuse(p, here(p), "bad number syntax: \"%.*s\"", (int)(p->at + 1 - begin), begin);
    else
        emit(p, begin, TOKEN_NUMBER);
}

/* Steps over blanks and comments; false where a comment is not closed. */
static bool skip_blanks(struct expr_parser *p)
{
    while (p->at < p->end) {
        if (strchr(" \t\r\n\v\f", *p->at) != NULL && *p->at != '\0') {
            p->at++;
        } else if (p->end - p->at >= 2 && memcmp(p->at, "//", 2) == 0) {
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        } else if (p->end - p->at >= 2 && memcmp(p->at, "/*", 2) == 0) {
            const char *close = memmem(p->at + 2, (size_t)(p->end - p->at) - 2, "*/", 2);
            if (close == NULL)
                return false;
            p->at = close + 2;
        } else {
            break;
        }
    }
    return true;
}

static enum expr_token_kind kind_of_word(const char *word, size_t len)
{
    static const char *const operators[] = {"not", "in",   "or",         "and",      "matches", "contains",
                                            "if",  "else", "startsWith", "endsWith", "let"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strlen(operators[i]) == len && memcmp(operators[i], word, len) == 0)
            return TOKEN_OPERATOR;
    return TOKEN_NAME;
}

bool expr_word_is_reserved(const char *word)
{
    static const char *const constants[] = {"true", "false", "nil"};
    size_t len = strlen(word);
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(constants[i], word) == 0)
            return true;
    return kind_of_word(word, len) == TOKEN_OPERATOR || expr_find_builtin(word, len) != NULL ||
           expr_known_elsewhere(word, len);
}

static void symbol(struct expr_parser *p, int32_t c)
{
    const char *begin = p->at++;
    if (c == '?')
        accept(p, ".?");
    else if (c == '|' || c == ':' || c == '.')
        accept(p, c == '|' ? "|" : c == ':' ? ":" : ".");
    else if (c < 0x80 && strchr("&!=*<>", (int)c) != NULL)
        accept(p, "&=*");
    else if (c >= 0x80 || strchr(",;%+-^/#", (int)c) == NULL) {
        char octets[4];
        expr_refuse(p, (uint32_t)(begin - p->text), "unrecognized character: U+%04X '%.*s'", (unsigned)c,
                    (int)rune_write(c, octets), octets);
        return;
    }
    emit(p, begin, TOKEN_OPERATOR);
}

void expr_next(struct expr_parser *p)
{
    if (p->error != ERR_OK)
        return;
    if (!skip_blanks(p)) {
        expr_refuse(p, (uint32_t)(p->end - p->text), "unclosed comment");
        return;
    }
    const char *begin = p->at;
    int32_t c = peek(p);
    bool bytes = (c == 'b' || c == 'B') && p->end - p->at >= 2 && (p->at[1] == '\'' || p->at[1] == '"');
    if (c == RUNE_END) {
        emit(p, begin, TOKEN_END);
    } else if (bytes) {
        expr_refuse(p, here(p), "bytes are not supported by this version of Seamark yet");
    } else if (c == '\'' || c == '"') {
        p->at++;
        string(p, (char)c);
    } else if (c == '`') {
        p->at++;
        raw_string(p);
    } else if ((c >= '0' && c <= '9') ||
               (c == '.' && p->end - p->at >= 2 && p->at[1] >= '0' && p->at[1] <= '9')) {
        number(p);
    } else if (c < 0x80 && strchr("([{}])", (int)c) != NULL) {
        p->at++;
        emit(p, begin, TOKEN_BRACKET);
    } else if (is_letter(c)) {
        accept_word(p);
        emit(p, begin, kind_of_word(begin, (size_t)(p->at - begin)));
    } else {
        symbol(p, c);
    }
}

bool expr_now_is(const struct expr_parser *p, enum expr_token_kind kind, const char *text)
{
    return p->error == ERR_OK && p->now.kind == kind && (text == NULL || expr_same(&p->now, text));
}

void expr_expect(struct expr_parser *p, enum expr_token_kind kind, const char *text)
{
    if (expr_now_is(p, kind, text))
        expr_next(p);
    else
        expr_refuse_word(p);
}
