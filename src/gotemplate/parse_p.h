/*
 * The parser of templates: a recursive descent with three words of look-ahead, as Go's is, since its error
 * texts follow from how it goes. The first failure stays; from then on every word is an error, so that all
 * loops end.
 */
#ifndef SEAMARK_GOTEMPLATE_PARSE_P_H
#define SEAMARK_GOTEMPLATE_PARSE_P_H

#include "gotemplate/lex_p.h"

struct tpl_parser {
    struct tpl *tpl;
    const char *name; /* of the whole text, for errors */
    struct tpl_lexer lexer;
    struct tpl_token ahead[3]; /* the last of them comes first */
    unsigned nahead;
    struct errtext *e;
    int error; /* ERR_OK until the first failure */
    unsigned nesting;
    /* Of the named template that is being parsed. */
    struct tpl_slice vars[TPL_VARS_MAX]; /* those that are known, "$" first */
    unsigned nvars;
    unsigned ranges;      /* how many are open */
    uint32_t action_line; /* where the action began that is being parsed; 0 outside */
};

/* ---- words ---- */
struct tpl_token tpl_next(struct tpl_parser *p);
struct tpl_token tpl_peek(struct tpl_parser *p);
struct tpl_token tpl_next_word(struct tpl_parser *p); /* leaves out spaces */
struct tpl_token tpl_peek_word(struct tpl_parser *p);
void tpl_back(struct tpl_parser *p);                               /* the last word is read again */
void tpl_back_before(struct tpl_parser *p, struct tpl_token word); /* and `word` before it */

/* ---- failures: both return NULL ---- */
void *tpl_parse_fail(struct tpl_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *tpl_unexpected(struct tpl_parser *p, const struct tpl_token *word, const char *context);

/* ---- parts; NULL on failure ---- */
struct tpl_node *tpl_new_node(struct tpl_parser *p, enum tpl_node_kind kind, uint32_t pos);
/* A pipeline up to the word `end`, which is read too. */
struct tpl_node *tpl_parse_pipeline(struct tpl_parser *p, const char *context, enum tpl_token_kind end);
/* An action, its left delimiter has been read: a node, or one of kind NODE_ELSE or NODE_END. */
struct tpl_node *tpl_parse_action(struct tpl_parser *p);
/* The body of a {{define}} whose keyword has been read. */
void tpl_parse_definition(struct tpl_parser *p);
/* Text or an action. */
struct tpl_node *tpl_parse_text_or_action(struct tpl_parser *p);
/* Adds a named template; an empty one gives way to another of its name. */
void tpl_add_tree(struct tpl_parser *p, struct tpl_slice name, struct tpl_node *root);

#endif
