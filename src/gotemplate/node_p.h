/* The tree of a parsed template. Nodes live in the template's arena and are immutable. */
#ifndef SEAMARK_GOTEMPLATE_NODE_P_H
#define SEAMARK_GOTEMPLATE_NODE_P_H

#include "base/arena.h"
#include "gotemplate/gotemplate.h"

/* A piece of the template's text. */
struct tpl_slice {
    const char *at;
    size_t len;
};

enum tpl_node_kind {
    NODE_LIST,     /* first: its nodes */
    NODE_TEXT,     /* text */
    NODE_ACTION,   /* first: its pipeline */
    NODE_IF,       /* branch */
    NODE_RANGE,    /* branch */
    NODE_WITH,     /* branch */
    NODE_TEMPLATE, /* call */
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_ELSE,       /* the parser's own: not in the tree */
    NODE_END,        /* the same */
    NODE_PIPE,       /* pipe */
    NODE_COMMAND,    /* first: its words */
    NODE_IDENTIFIER, /* function; text: its name */
    NODE_FIELD,      /* text: ".a.b" */
    NODE_VARIABLE,   /* text: "$x.a.b" */
    NODE_CHAIN,      /* chain; fields as ".a.b" */
    NODE_DOT,
    NODE_NIL,
    NODE_BOOL,   /* constant */
    NODE_NUMBER, /* number; text: as it was written */
    NODE_STRING, /* constant; text: with its quotes */
};

struct tpl_node {
    enum tpl_node_kind kind;
    uint32_t pos; /* octets before it in the text, for errors */
    struct tpl_slice text;
    struct tpl_node *next; /* among the nodes of a list, the commands of a pipeline, the words of a command */
    union {
        struct tpl_node *first;
        struct {
            struct tpl_node *pipe, *list, *otherwise;
        } branch;
        struct {
            struct tpl_node *variables; /* declared or assigned, linked by next */
            struct tpl_node *first;     /* commands */
            bool assigns;               /* = and not := */
        } pipe;
        struct {
            struct tpl_node *operand;
            struct tpl_slice fields;
        } chain;
        struct {
            struct tpl_slice name;
            struct tpl_node *pipe; /* NULL: dot is no value */
        } call;
        struct tpl_value constant;
        struct {
            struct tpl_value ideal; /* none where it does not fit an int */
            int64_t integer;
            bool is_int; /* `integer` is its value */
        } number;
        const struct tpl_func *function;
    };
};

/* A named template: the whole text, or what {{define}} and {{block}} made. */
struct tpl_tree {
    struct tpl_slice name;
    struct tpl_node *root; /* a list */
    struct tpl_tree *next;
};

struct tpl {
    struct arena arena;
    const char *text;
    size_t len;
    const struct tpl_func *functions;
    size_t nfunctions;
    struct tpl_tree *main;
    struct tpl_tree *trees; /* all of them, main too */
    struct bytes shown;     /* tpl_text_of() */
};

/* Appends the text of a node in Go's form. */
void tpl_node_show(const struct tpl_node *n, struct bytes *out);

static inline bool tpl_slice_equal(struct tpl_slice a, struct tpl_slice b)
{
    return a.len == b.len && (a.len == 0 || __builtin_memcmp(a.at, b.at, a.len) == 0);
}

/* Takes the next name from a chain of fields, ".a.b", which is never empty. */
struct tpl_slice tpl_next_field(struct tpl_slice *fields);

/* Go's predefined functions. */
extern const struct tpl_func tpl_predefined[];
extern const size_t tpl_npredefined;
/* Those whose arguments are not all evaluated, or not at all. */
extern const struct tpl_func *const tpl_func_and, *const tpl_func_or, *const tpl_func_call;

#endif
