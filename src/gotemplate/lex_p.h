/* The words of a template's text. */
#ifndef SEAMARK_GOTEMPLATE_LEX_P_H
#define SEAMARK_GOTEMPLATE_LEX_P_H

#include "base/bytes.h"
#include "gotemplate/node_p.h"

enum tpl_token_kind {
    TOKEN_ERROR, /* its text is what is wrong */
    TOKEN_BOOL,
    TOKEN_CHAR, /* a character that stands for nothing else: a comma */
    TOKEN_CHAR_CONSTANT,
    TOKEN_ASSIGN,
    TOKEN_DECLARE,
    TOKEN_END_OF_TEXT,
    TOKEN_FIELD,
    TOKEN_IDENTIFIER,
    TOKEN_LEFT_DELIM,
    TOKEN_LEFT_PAREN,
    TOKEN_NUMBER,
    TOKEN_PIPE,
    TOKEN_RAW_STRING,
    TOKEN_RIGHT_DELIM,
    TOKEN_RIGHT_PAREN,
    TOKEN_SPACE,
    TOKEN_STRING,
    TOKEN_TEXT,
    TOKEN_VARIABLE,
    TOKEN_KEYWORDS, /* what follows are keywords */
    TOKEN_BLOCK,
    TOKEN_BREAK,
    TOKEN_CONTINUE,
    TOKEN_DOT,
    TOKEN_DEFINE,
    TOKEN_ELSE,
    TOKEN_END,
    TOKEN_IF,
    TOKEN_NIL,
    TOKEN_RANGE,
    TOKEN_TEMPLATE,
    TOKEN_WITH,
};

struct tpl_token {
    enum tpl_token_kind kind;
    uint32_t pos;
    uint32_t line; /* on which it begins, from 1 */
    struct tpl_slice text;
};

struct tpl_lexer {
    const char *begin, *end;
    const char *at;    /* what has been read */
    const char *start; /* where the word begins that is being read */
    uint32_t line;     /* of `start` */
    bool in_action;
    unsigned parens;
    char why[128]; /* an error's text */
};

void tpl_lex_begin(struct tpl_lexer *l, const char *text, size_t len);
/* The next word; at the end, TOKEN_END_OF_TEXT each time. */
void tpl_lex_next(struct tpl_lexer *l, struct tpl_token *out);
/* What a word of letters is: a keyword, a truth value, or TOKEN_IDENTIFIER. */
enum tpl_token_kind tpl_keyword(struct tpl_slice word);
/* Appends how errors tell a word: its text in quotes, shortened, or <keyword>. */
void tpl_token_show(const struct tpl_token *t, struct bytes *out);

#endif
