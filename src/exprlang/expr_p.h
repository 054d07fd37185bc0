/* The tree of an expression, its parser and its evaluation. */
#ifndef SEAMARK_EXPRLANG_EXPR_P_H
#define SEAMARK_EXPRLANG_EXPR_P_H

#include "base/arena.h"
#include "base/regex.h"
#include "exprlang/exprlang.h"

/* ---- words ---- */

enum expr_token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_STRING, TOKEN_NAME, TOKEN_OPERATOR, TOKEN_BRACKET };

struct expr_token {
    enum expr_token_kind kind;
    uint32_t pos;     /* octets before it */
    const char *text; /* of a string: what it says */
    size_t len;
};

/* ---- the tree ---- */

enum expr_op {
    OP_NONE,
    OP_PIPE,
    OP_OR,
    OP_AND,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_MORE,
    OP_MORE_OR_EQUAL,
    OP_LESS_OR_EQUAL,
    OP_IN,
    OP_MATCHES,
    OP_CONTAINS,
    OP_STARTS_WITH,
    OP_ENDS_WITH,
    OP_RANGE,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_POWER,
    OP_COALESCE,
    OP_NOT,
    OP_NEGATE,
    OP_PLUS,
};

enum expr_kind {
    EXPR_CONSTANT,  /* constant */
    EXPR_VARIABLE,  /* slot: of the env */
    EXPR_LOCAL,     /* slot: of a `let` */
    EXPR_ITEM,      /* # of the predicate around */
    EXPR_INDEX,     /* #index */
    EXPR_TOTAL,     /* #acc */
    EXPR_UNARY,     /* op, a */
    EXPR_BINARY,    /* op, a, b; OP_MATCHES: regex for b */
    EXPR_CONDITION, /* a ? b : c */
    EXPR_MEMBER,    /* a[b]; optional: what is below nothing is nothing */
    EXPR_CHAIN,     /* a: members, the end of what an optional one leaves out */
    EXPR_SLICE,     /* a[b:c]; b and c may be NULL */
    EXPR_CALL,      /* function, arguments linked from a */
    EXPR_BUILTIN,   /* builtin, arguments linked from a */
    EXPR_ARRAY,     /* items linked from a */
    EXPR_MAP,       /* keys linked from a, the value of each in its b */
    EXPR_PAIR,      /* of a map: a is the key, b the value */
    EXPR_LET,       /* slot; a in b */
    EXPR_SEQUENCE,  /* parts linked from a: the last one's value */
};

struct expr_builtin;

struct expr_node {
    enum expr_kind kind;
    enum expr_op op;
    bool optional;
    uint16_t slot;
    uint16_t height;
    uint32_t pos;
    const struct tpl_type *type; /* NULL: not known; &expr_type_nil */
    struct expr_node *next;      /* among arguments, items, parts */
    struct expr_node *a, *b, *c;
    union {
        struct tpl_value constant;
        const struct expr_func *function;
        const struct expr_builtin *builtin;
        const struct regex *regex;
    };
};

/* The type of nil. */
extern const struct tpl_type expr_type_nil;
/* The type of an array whose items have that type. */
const struct tpl_type *expr_list_of(const struct tpl_type *item);
const char *expr_type_name(const struct tpl_type *type);
bool expr_is(const struct tpl_type *type, enum tpl_kind kind); /* false where it is not known */
bool expr_is_number(const struct tpl_type *type);

struct expr_regex {
    struct regex *regex;
    struct expr_regex *next;
};

struct expr {
    struct arena arena;
    struct expr_node *root;
    struct expr_regex *regexes;
};

/* ---- the parser ---- */

struct expr_scope {
    const char *name; /* of a `let`; NULL: a predicate */
    size_t len;
    const struct tpl_type *type; /* of the variable; of the predicate's items */
    const char *extra;           /* of a predicate: what it knows beside #, "index" or "index acc" or "" */
};

struct expr_parser {
    struct expr *x;
    const struct expr_env *env;
    const char *text, *end, *at;
    struct expr_token now;
    struct errtext *e;
    int error;
    struct expr_scope scopes[EXPR_LOCALS_MAX];
    unsigned nscopes;
    unsigned nesting;
};

void expr_next(struct expr_parser *p);
bool expr_now_is(const struct expr_parser *p, enum expr_token_kind kind, const char *text);
void expr_expect(struct expr_parser *p, enum expr_token_kind kind, const char *text);
bool expr_same(const struct expr_token *t, const char *text);

/* Sets the first failure. Returns NULL. */
void *expr_refuse(struct expr_parser *p, uint32_t pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *expr_refuse_word(struct expr_parser *p); /* unexpected token */

struct expr_node *expr_new_node(struct expr_parser *p, enum expr_kind kind, uint32_t pos);
/* To be called when a node has its parts: checks their height. */
struct expr_node *expr_built(struct expr_parser *p, struct expr_node *n);

struct expr_node *expr_parse(struct expr_parser *p, unsigned precedence);
struct expr_node *expr_parse_sequence(struct expr_parser *p);
struct expr_node *expr_parse_primary(struct expr_parser *p);
struct expr_node *expr_constant(struct expr_parser *p, uint32_t pos, struct tpl_value value);
/* A variable. */
struct expr_node *expr_parse_name(struct expr_parser *p, const struct expr_token *t);
/* The predicate that is being parsed, or NULL. */
const struct expr_scope *expr_predicate_around(const struct expr_parser *p);
/* #, #index, #acc; a dot alone stands for #. */
struct expr_node *expr_parse_item(struct expr_parser *p, const struct expr_scope *scope);
/* A call of the function `name`; `first` is its first argument where it stands before a pipe. */
struct expr_node *expr_parse_call(struct expr_parser *p, const struct expr_token *name,
                                  struct expr_node *first);
struct expr_node *expr_parse_predicate(struct expr_parser *p, const struct tpl_type *items,
                                       const char *extra);
/* What stands behind a value: .a ?.a [1] [1:2] */
struct expr_node *expr_parse_postfix(struct expr_parser *p, struct expr_node *n);

/* ---- types ---- */

struct expr_node *expr_check_unary(struct expr_parser *p, struct expr_node *n);
struct expr_node *expr_check_binary(struct expr_parser *p, struct expr_node *n);
struct expr_node *expr_check_member(struct expr_parser *p, struct expr_node *n);
/* The common type of two branches. */
const struct tpl_type *expr_common(const struct tpl_type *a, const struct tpl_type *b);

/* ---- functions of the language ---- */

struct expr_builtin {
    const char *name;
    const char
        *in; /* letters, see builtins.c; those behind '?' may be left out; '*': any number of the last */
    char out;
    int (*call)(struct expr_run *run, const struct tpl_value *args, size_t nargs, struct tpl_value *out);
    /* With a predicate as the second argument. */
    int (*each)(struct expr_run *run, const struct expr_node *n, const struct tpl_value *list,
                struct tpl_value *out);
    const char *extra; /* what the predicate knows beside # */
};
const struct expr_builtin *expr_find_builtin(const char *name, size_t len);
bool expr_known_elsewhere(const char *name,
                          size_t len); /* expr-lang has such a function, this file has not */
struct expr_node *expr_check_builtin(struct expr_parser *p, struct expr_node *n, size_t nargs);
/* What was not known of the arguments' types when they were read. */
int expr_check_values(struct expr_run *run, const struct expr_builtin *b, const struct tpl_value *args,
                      size_t nargs);

/* ---- evaluation ---- */

struct expr_frame {
    struct tpl_value item, total;
    int64_t index;
};

struct expr_run {
    const void *ctx;
    const struct tpl_value *variables;
    struct arena memory;
    struct bytes text;
    unsigned steps;
    struct tpl_value locals[EXPR_LOCALS_MAX];
    struct expr_frame *frame; /* of the predicate around */
    char why[256];
};

#define EXPR_CUT 1 /* of expr_eval(): an optional member had nothing to look into */

int expr_eval(struct expr_run *run, const struct expr_node *n, struct tpl_value *out);
int expr_step(struct expr_run *run, size_t n);
int expr_limit(struct expr_run *run);

int expr_unary(struct expr_run *run, enum expr_op op, struct tpl_value *v);
int expr_binary(struct expr_run *run, const struct expr_node *n, const struct tpl_value *a,
                const struct tpl_value *b, struct tpl_value *out);
int expr_equal(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out);
int expr_less(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out);
int expr_add(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b,
             struct tpl_value *out);
int expr_fetch(struct expr_run *run, const struct tpl_value *from, const struct tpl_value *key,
               struct tpl_value *out);
int expr_slice(struct expr_run *run, const struct tpl_value *from, const struct tpl_value *low,
               const struct tpl_value *high, struct tpl_value *out);

/* Values. Type names are for texts; NULL stands for nil. */
bool expr_value_is(const struct tpl_value *v, enum tpl_kind kind);
bool expr_value_is_number(const struct tpl_value *v);
double expr_to_float(const struct tpl_value *v);
const char *expr_value_type(const struct tpl_value *v);
struct tpl_value expr_float(double x);
/* An array of `n` items to fill, or NULL. */
struct tpl_value *expr_items(struct expr_run *run, size_t n);
struct tpl_value expr_list(const struct tpl_type *type, const struct tpl_value *items, size_t n);

#define EXPR_BUILTIN_CALL(name)                                                                              \
    int name(struct expr_run *run, const struct tpl_value *args, size_t nargs, struct tpl_value *out)
EXPR_BUILTIN_CALL(expr_call_len);
EXPR_BUILTIN_CALL(expr_call_abs);
EXPR_BUILTIN_CALL(expr_call_ceil);
EXPR_BUILTIN_CALL(expr_call_floor);
EXPR_BUILTIN_CALL(expr_call_round);
EXPR_BUILTIN_CALL(expr_call_int);
EXPR_BUILTIN_CALL(expr_call_float);
EXPR_BUILTIN_CALL(expr_call_string);
EXPR_BUILTIN_CALL(expr_call_max);
EXPR_BUILTIN_CALL(expr_call_min);
EXPR_BUILTIN_CALL(expr_call_mean);
EXPR_BUILTIN_CALL(expr_call_bitand);
EXPR_BUILTIN_CALL(expr_call_bitor);
EXPR_BUILTIN_CALL(expr_call_bitxor);
EXPR_BUILTIN_CALL(expr_call_bitnand);
EXPR_BUILTIN_CALL(expr_call_bitshl);
EXPR_BUILTIN_CALL(expr_call_bitshr);
EXPR_BUILTIN_CALL(expr_call_bitushr);
EXPR_BUILTIN_CALL(expr_call_bitnot);
EXPR_BUILTIN_CALL(expr_call_trim);
EXPR_BUILTIN_CALL(expr_call_trim_prefix);
EXPR_BUILTIN_CALL(expr_call_trim_suffix);
EXPR_BUILTIN_CALL(expr_call_upper);
EXPR_BUILTIN_CALL(expr_call_lower);
EXPR_BUILTIN_CALL(expr_call_split);
EXPR_BUILTIN_CALL(expr_call_split_after);
EXPR_BUILTIN_CALL(expr_call_replace);
EXPR_BUILTIN_CALL(expr_call_repeat);
EXPR_BUILTIN_CALL(expr_call_join);
EXPR_BUILTIN_CALL(expr_call_index_of);
EXPR_BUILTIN_CALL(expr_call_last_index_of);
EXPR_BUILTIN_CALL(expr_call_has_prefix);
EXPR_BUILTIN_CALL(expr_call_has_suffix);
EXPR_BUILTIN_CALL(expr_call_first);
EXPR_BUILTIN_CALL(expr_call_last);
EXPR_BUILTIN_CALL(expr_call_get);
EXPR_BUILTIN_CALL(expr_call_take);
EXPR_BUILTIN_CALL(expr_call_keys);
EXPR_BUILTIN_CALL(expr_call_values);
EXPR_BUILTIN_CALL(expr_call_reverse);
EXPR_BUILTIN_CALL(expr_call_uniq);
EXPR_BUILTIN_CALL(expr_call_concat);
EXPR_BUILTIN_CALL(expr_call_flatten);
EXPR_BUILTIN_CALL(expr_call_sort);
EXPR_BUILTIN_CALL(expr_call_sum);
EXPR_BUILTIN_CALL(expr_call_count);

#define EXPR_EACH(name)                                                                                      \
    int name(struct expr_run *run, const struct expr_node *n, const struct tpl_value *list,                  \
             struct tpl_value *out)
EXPR_EACH(expr_each_all);
EXPR_EACH(expr_each_none);
EXPR_EACH(expr_each_any);
EXPR_EACH(expr_each_one);
EXPR_EACH(expr_each_filter);
EXPR_EACH(expr_each_map);
EXPR_EACH(expr_each_count);
EXPR_EACH(expr_each_sum);
EXPR_EACH(expr_each_find);
EXPR_EACH(expr_each_find_index);
EXPR_EACH(expr_each_find_last);
EXPR_EACH(expr_each_find_last_index);
EXPR_EACH(expr_each_reduce);

#endif
