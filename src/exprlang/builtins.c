/* The functions of the language, and which arguments they take. */
#include <string.h>

#include "exprlang/expr_p.h"

/* Letters of parameters: s a string, i an int, n a number, c a number or a string, l an array, m a map, z
 * something with a length, x a number or an array, a anything. Of results: b bool, i int, f float, s string,
 * S strings, A an array, = the first argument's type, e that of its items (E: where these are strings), x the
 * same if it is a number, a unknown. */
static const struct expr_builtin builtins[] = {
    {"all", "l", 'b', NULL, expr_each_all, ""},
    {"none", "l", 'b', NULL, expr_each_none, ""},
    {"any", "l", 'b', NULL, expr_each_any, ""},
    {"one", "l", 'b', NULL, expr_each_one, ""},
    {"filter", "l", 'A', NULL, expr_each_filter, ""},
    {"map", "l", 'A', NULL, expr_each_map, "index"},
    {"count", "l", 'i', expr_call_count, expr_each_count, ""},
    {"sum", "l", 'a', expr_call_sum, expr_each_sum, ""},
    {"find", "l", 'e', NULL, expr_each_find, ""},
    {"findIndex", "l", 'i', NULL, expr_each_find_index, ""},
    {"findLast", "l", 'e', NULL, expr_each_find_last, ""},
    {"findLastIndex", "l", 'i', NULL, expr_each_find_last_index, ""},
    {"reduce", "l", 'a', NULL, expr_each_reduce, "index acc"},
    {"len", "z", 'i', expr_call_len, NULL, NULL},
    {"abs", "n", '=', expr_call_abs, NULL, NULL},
    {"ceil", "n", 'f', expr_call_ceil, NULL, NULL},
    {"floor", "n", 'f', expr_call_floor, NULL, NULL},
    {"round", "n", 'f', expr_call_round, NULL, NULL},
    {"int", "c", 'i', expr_call_int, NULL, NULL},
    {"float", "c", 'f', expr_call_float, NULL, NULL},
    {"string", "a", 's', expr_call_string, NULL, NULL},
    {"trim", "s?s", 's', expr_call_trim, NULL, NULL},
    {"trimPrefix", "s?s", 's', expr_call_trim_prefix, NULL, NULL},
    {"trimSuffix", "s?s", 's', expr_call_trim_suffix, NULL, NULL},
    {"upper", "s", 's', expr_call_upper, NULL, NULL},
    {"lower", "s", 's', expr_call_lower, NULL, NULL},
    {"split", "ss?i", 'S', expr_call_split, NULL, NULL},
    {"splitAfter", "ss?i", 'S', expr_call_split_after, NULL, NULL},
    {"replace", "sss?i", 's', expr_call_replace, NULL, NULL},
    {"repeat", "si", 's', expr_call_repeat, NULL, NULL},
    {"join", "l?s", 's', expr_call_join, NULL, NULL},
    {"indexOf", "ss", 'i', expr_call_index_of, NULL, NULL},
    {"lastIndexOf", "ss", 'i', expr_call_last_index_of, NULL, NULL},
    {"hasPrefix", "ss", 'b', expr_call_has_prefix, NULL, NULL},
    {"hasSuffix", "ss", 'b', expr_call_has_suffix, NULL, NULL},
    {"max", "x*", 'x', expr_call_max, NULL, NULL},
    {"min", "x*", 'x', expr_call_min, NULL, NULL},
    {"mean", "x*", 'f', expr_call_mean, NULL, NULL},
    {"first", "l", 'E', expr_call_first, NULL, NULL},
    {"last", "l", 'E', expr_call_last, NULL, NULL},
    {"get", "aa", 'a', expr_call_get, NULL, NULL},
    {"take", "li", '=', expr_call_take, NULL, NULL},
    {"keys", "m", 'A', expr_call_keys, NULL, NULL},
    {"values", "m", 'A', expr_call_values, NULL, NULL},
    {"reverse", "l", 'A', expr_call_reverse, NULL, NULL},
    {"uniq", "l", 'A', expr_call_uniq, NULL, NULL},
    {"concat", "l*", 'A', expr_call_concat, NULL, NULL},
    {"flatten", "l", 'A', expr_call_flatten, NULL, NULL},
    {"sort", "l?s", 'A', expr_call_sort, NULL, NULL},
    {"bitand", "ii", 'i', expr_call_bitand, NULL, NULL},
    {"bitor", "ii", 'i', expr_call_bitor, NULL, NULL},
    {"bitxor", "ii", 'i', expr_call_bitxor, NULL, NULL},
    {"bitnand", "ii", 'i', expr_call_bitnand, NULL, NULL},
    {"bitshl", "ii", 'i', expr_call_bitshl, NULL, NULL},
    {"bitshr", "ii", 'i', expr_call_bitshr, NULL, NULL},
    {"bitushr", "ii", 'i', expr_call_bitushr, NULL, NULL},
    {"bitnot", "i", 'i', expr_call_bitnot, NULL, NULL},
};

const struct expr_builtin *expr_find_builtin(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (strlen(builtins[i].name) == len && memcmp(builtins[i].name, name, len) == 0)
            return &builtins[i];
    return NULL;
}

bool expr_known_elsewhere(const char *name, size_t len)
{
    static const char *const names[] = {"groupBy",  "sortBy",   "type",    "median",     "toJSON",
                                        "fromJSON", "toBase64", "now",     "fromBase64", "duration",
                                        "date",     "timezone", "toPairs", "fromPairs"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return true;
    return false;
}

/* ---- arguments ---- */

static bool takes(char in, const struct tpl_type *type)
{
    switch (in) {
    case 's':
        return expr_is(type, TPL_STRING);
    case 'i':
        return expr_is(type, TPL_INT) || expr_is(type, TPL_UINT);
    case 'n':
        return expr_is_number(type);
    case 'c':
        return expr_is_number(type) || expr_is(type, TPL_STRING);
    case 'l':
        return expr_is(type, TPL_LIST);
    case 'm':
        return expr_is(type, TPL_MAP);
    case 'z':
        return expr_is(type, TPL_LIST) || expr_is(type, TPL_MAP) || expr_is(type, TPL_STRING);
    case 'x':
        return expr_is_number(type) || expr_is(type, TPL_LIST);
    default:
        return true;
    }
}

/* The letter of argument `i`. */
static char letter(const struct expr_builtin *b, size_t i)
{
    const char *in = b->in;
    for (;; in++) {
        if (*in == '?')
            in++;
        if (i == 0 || in[1] == '*')
            return *in;
        i--;
    }
}

static void limits(const struct expr_builtin *b, size_t *least, size_t *most)
{
    const char *optional = strchr(b->in, '?');
    *most = strlen(b->in) - (optional != NULL);
    *least = optional == NULL ? *most : (size_t)(optional - b->in);
    if (strchr(b->in, '*') != NULL) {
        *least = 1;
        *most = EXPR_ARGS_MAX;
    }
}

static const struct tpl_type *result(const struct expr_builtin *b, const struct tpl_type *first)
{
    switch (b->out) {
    case 'b':
        return &tpl_type_bool;
    case 'i':
        return &tpl_type_int;
    case 'f':
        return &tpl_type_float64;
    case 's':
        return &tpl_type_string;
    case 'S':
        return &tpl_type_strings;
    case 'A':
        return expr_list_of(NULL);
    case '=':
        return first;
    case 'e':
        return first == NULL ? NULL : first->elem;
    case 'E':
        return first == &tpl_type_strings ? first->elem : NULL;
    case 'x':
        return expr_is_number(first) ? first : NULL;
    default:
        return NULL;
    }
}

/* How functions on arrays and maps refuse anything else; NULL for other functions. */
static const char *refusal(const struct expr_builtin *b)
{
    static const struct {
        const char *name, *words;
    } refusals[] = {
        {"first", "get first element from"},
        {"last", "get last element from"},
        {"take", "take from"},
        {"keys", "get keys from"},
        {"values", "get values from"},
        {"reverse", "reverse"},
        {"uniq", "uniq"},
        {"concat", "concat"},
        {"flatten", "flatten"},
        {"sort", "sort"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strcmp(refusals[i].name, b->name) == 0)
            return refusals[i].words;
    return NULL;
}

static struct expr_node *wrong_count(struct expr_parser *p, const struct expr_node *n, size_t nargs,
                                     size_t least, size_t most)
{
    const struct expr_builtin *b = n->builtin;
    bool checked = refusal(b) != NULL || strchr("znc", b->in[0]) != NULL;
    if (checked && least == most)
        return expr_refuse(p, n->pos, "invalid number of arguments (expected %zu, got %zu)", least, nargs);
    return expr_refuse(p, n->pos, "%s arguments to call %s", nargs < least ? "not enough" : "too many",
                       b->name);
}

static struct expr_node *wrong_type(struct expr_parser *p, const struct expr_node *n,
                                    const struct expr_node *arg, char in)
{
    const char *name = n->builtin->name, *words = refusal(n->builtin);
    if (strcmp(name, "take") == 0 && in == 'i')
        return expr_refuse(p, n->pos, "cannot take %s elements", expr_type_name(arg->type));
    if (words != NULL)
        return expr_refuse(p, n->pos, "cannot %s %s", words, expr_type_name(arg->type));
    if (in == 's' || in == 'i')
        return expr_refuse(p, arg->pos, "cannot use %s as argument (type %s) to call %s ",
                           expr_type_name(arg->type), in == 's' ? "string" : "int", name);
    return expr_refuse(p, n->pos, "invalid argument for %s (type %s)", name, expr_type_name(arg->type));
}

/* What the predicates of most functions have to say. */
static bool wants_truth(const struct expr_builtin *b)
{
    return b->each != NULL && b->each != expr_each_map && b->each != expr_each_sum &&
           b->each != expr_each_reduce;
}

static struct expr_node *check_each(struct expr_parser *p, struct expr_node *n)
{
    const struct expr_node *predicate = n->a->next;
    if (predicate != NULL && wants_truth(n->builtin) && predicate->type != NULL &&
        !expr_is(predicate->type, TPL_BOOL))
        return expr_refuse(p, predicate->pos, "predicate should return boolean (got %s)",
                           expr_type_name(predicate->type));
    n->type = result(n->builtin, n->a->type);
    if (n->builtin->each == expr_each_filter && n->a->type != NULL)
        n->type = expr_list_of(n->a->type->elem);
    else if (n->builtin->each == expr_each_map && predicate != NULL)
        n->type = expr_list_of(predicate->type);
    else if (n->builtin->each == expr_each_sum)
        n->type = predicate != NULL ? predicate->type : n->a->type == NULL ? NULL : n->a->type->elem;
    return expr_built(p, n);
}

struct expr_node *expr_check_builtin(struct expr_parser *p, struct expr_node *n, size_t nargs)
{
    const struct expr_builtin *b = n->builtin;
    size_t least, most, i = 0;
    if (b->each != NULL)
        return check_each(p, n);
    limits(b, &least, &most);
    if (nargs < least || nargs > most)
        return wrong_count(p, n, nargs, least, most);
    for (const struct expr_node *arg = n->a; arg != NULL; arg = arg->next, i++)
        if (arg->type != NULL && !takes(letter(b, i), arg->type))
            return wrong_type(p, n, arg, letter(b, i));
    n->type = result(b, n->a->type);
    return expr_built(p, n);
}

int expr_check_values(struct expr_run *run, const struct expr_builtin *b, const struct tpl_value *args,
                      size_t nargs)
{
    for (size_t i = 0; i < nargs; i++)
        if (letter(b, i) != 'a' && !takes(letter(b, i), args[i].type))
            return expr_fail(run, "invalid argument for %s (type %s)", b->name, expr_value_type(&args[i]));
    return ERR_OK;
}
