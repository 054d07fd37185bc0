/* What operators do. */
#include <math.h>
#include <string.h>

#include "exprlang/expr_p.h"

#define OCTETS_A_STEP 64 /* of strings that are compared or searched */

static int mismatch(struct expr_run *run, const char *op, const struct tpl_value *a,
                    const struct tpl_value *b)
{
    return expr_fail(run, "invalid operation: %s %s %s", expr_value_type(a), op, expr_value_type(b));
}

static bool both(const struct tpl_value *a, const struct tpl_value *b, enum tpl_kind kind)
{
    return expr_value_is(a, kind) && expr_value_is(b, kind);
}

static bool both_numbers(const struct tpl_value *a, const struct tpl_value *b)
{
    return expr_value_is_number(a) && expr_value_is_number(b);
}

static bool any_float(const struct tpl_value *a, const struct tpl_value *b)
{
    return expr_value_is(a, TPL_FLOAT) || expr_value_is(b, TPL_FLOAT);
}

static int charge(struct expr_run *run, const struct tpl_value *text)
{
    return expr_step(run, text->text.len / OCTETS_A_STEP);
}

/* ---- comparisons ---- */

static int compare_text(const struct tpl_value *a, const struct tpl_value *b)
{
    size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = len == 0 ? 0 : memcmp(a->text.at, b->text.at, len);
    return order != 0 ? order : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

static int equal_lists(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    int ret = ERR_OK;
    *out = a->list.len == b->list.len;
    for (uint32_t i = 0; ret == ERR_OK && *out && i < a->list.len; i++)
        ret = expr_equal(run, &a->list.items[i], &b->list.items[i], out);
    return ret;
}

static int equal_maps(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    int ret = ERR_OK;
    *out = a->map.len == b->map.len;
    for (size_t i = 0; ret == ERR_OK && *out && i < a->map.len; i++) { /* both are in order */
        const struct tpl_entry *x = &a->map.entries[i], *y = &b->map.entries[i];
        *out = x->key_len == y->key_len && memcmp(x->key, y->key, x->key_len) == 0;
        if (*out)
            ret = expr_equal(run, &x->value, &y->value, out);
    }
    return ret;
}

int expr_equal(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    int ret = expr_step(run, 1);
    *out = false;
    if (ret != ERR_OK)
        return ret;
    if (a->type == NULL || b->type == NULL) {
        *out = a->type == b->type;
    } else if (both_numbers(a, b)) {
        *out = any_float(a, b) ? expr_to_float(a) == expr_to_float(b) : a->integer == b->integer;
    } else if (both(a, b, TPL_STRING)) {
        *out = compare_text(a, b) == 0;
        return charge(run, a);
    } else if (both(a, b, TPL_BOOL)) {
        *out = a->truth == b->truth;
    } else if (both(a, b, TPL_LIST)) {
        return equal_lists(run, a, b, out);
    } else if (both(a, b, TPL_MAP)) {
        return equal_maps(run, a, b, out);
    }
    return ERR_OK;
}

int expr_less(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    if (both_numbers(a, b)) {
        *out = any_float(a, b) ? expr_to_float(a) < expr_to_float(b) : a->integer < b->integer;
        return ERR_OK;
    }
    if (!both(a, b, TPL_STRING))
        return mismatch(run, "<", a, b);
    *out = compare_text(a, b) < 0;
    return charge(run, a);
}

static int compare(struct expr_run *run, enum expr_op op, const struct tpl_value *a,
                   const struct tpl_value *b, bool *out)
{
    if (both_numbers(a, b) && any_float(a, b)) { /* where one is no number, nothing holds */
        double x = expr_to_float(a), y = expr_to_float(b);
        *out = op == OP_LESS ? x < y : op == OP_MORE ? x > y : op == OP_LESS_OR_EQUAL ? x <= y : x >= y;
        return ERR_OK;
    }
    bool swapped = op == OP_MORE || op == OP_LESS_OR_EQUAL;
    int ret = swapped ? expr_less(run, b, a, out) : expr_less(run, a, b, out);
    if (op == OP_LESS_OR_EQUAL || op == OP_MORE_OR_EQUAL)
        *out = !*out;
    return ret;
}

/* ---- arithmetic ---- */

/* Integers wrap around, as Go's do. */
static int calculate(struct expr_run *run, enum expr_op op, const struct tpl_value *a,
                     const struct tpl_value *b, struct tpl_value *out)
{
    static const char *const names[] = {
        [OP_ADD] = "+", [OP_SUBTRACT] = "-", [OP_MULTIPLY] = "*", [OP_DIVIDE] = "/", [OP_POWER] = "**"};
    if (!both_numbers(a, b))
        return mismatch(run, names[op], a, b);
    double x = expr_to_float(a), y = expr_to_float(b);
    bool real = any_float(a, b);
    switch (op) {
    case OP_ADD:
        *out = real ? expr_float(x + y) : tpl_int((int64_t)(a->natural + b->natural));
        return ERR_OK;
    case OP_SUBTRACT:
        *out = real ? expr_float(x - y) : tpl_int((int64_t)(a->natural - b->natural));
        return ERR_OK;
    case OP_MULTIPLY:
        *out = real ? expr_float(x * y) : tpl_int((int64_t)(a->natural * b->natural));
        return ERR_OK;
    case OP_DIVIDE:
        *out =
            expr_float(y == 0 ? (x == 0 || isnan(x) ? NAN : copysign(INFINITY, x) * copysign(1, y)) : x / y);
        return ERR_OK;
    default:
        *out = expr_float(pow(x, y));
        return ERR_OK;
    }
}

static int join_text(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b,
                     struct tpl_value *out)
{
    size_t len = a->text.len + b->text.len;
    char *text = expr_alloc(run, len + 1);
    if (text == NULL)
        return expr_limit(run);
    memcpy(text, a->text.at, a->text.len);
    memcpy(text + a->text.len, b->text.at, b->text.len);
    text[len] = '\0';
    *out = tpl_text(text, len);
    return ERR_OK;
}

int expr_add(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b,
             struct tpl_value *out)
{
    return both(a, b, TPL_STRING) ? join_text(run, a, b, out) : calculate(run, OP_ADD, a, b, out);
}

static bool is_integer(const struct tpl_value *v)
{
    return expr_value_is(v, TPL_INT) || expr_value_is(v, TPL_UINT);
}

static int modulo(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b,
                  struct tpl_value *out)
{
    if (!is_integer(a) || !is_integer(b))
        return mismatch(run, "%", a, b);
    if (b->integer == 0)
        return expr_fail(run, "integer divide by zero");
    *out = tpl_int(b->integer == -1 ? 0 : a->integer % b->integer);
    return ERR_OK;
}

static int range(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b,
                 struct tpl_value *out)
{
    static const struct tpl_type ints = {.name = "[]int", .kind = TPL_LIST, .elem = &tpl_type_int};
    if (!expr_value_is_number(a) || !expr_value_is_number(b))
        return mismatch(run, "..", a, b);
    int64_t low = a->integer, high = b->integer;
    size_t n = high < low ? 0 : (size_t)((uint64_t)high - (uint64_t)low) + 1;
    struct tpl_value *items = n > EXPR_MEMORY_MAX ? NULL : expr_items(run, n);
    if (items == NULL)
        return expr_limit(run);
    for (size_t i = 0; i < n; i++)
        items[i] = tpl_int(low + (int64_t)i);
    *out = expr_list(&ints, items, n);
    return expr_step(run, n);
}

int expr_unary(struct expr_run *run, enum expr_op op, struct tpl_value *v)
{
    if (op == OP_NOT) {
        if (v->type != NULL && !expr_value_is(v, TPL_BOOL))
            return expr_fail(run, "invalid operation: not %s", expr_value_type(v));
        *v = tpl_bool(v->type == NULL || !v->truth);
        return ERR_OK;
    }
    if (!expr_value_is_number(v))
        return expr_fail(run, "invalid operation: - %s", expr_value_type(v));
    if (op == OP_NEGATE)
        *v = expr_value_is(v, TPL_FLOAT) ? expr_float(-v->real) : tpl_int((int64_t)(0 - v->natural));
    return ERR_OK;
}

/* ---- texts ---- */

static int search(struct expr_run *run, enum expr_op op, const struct tpl_value *a, const struct tpl_value *b,
                  bool *out)
{
    *out = false;
    if (a->type == NULL || b->type == NULL)
        return ERR_OK;
    if (!both(a, b, TPL_STRING))
        return mismatch(run, "contains", a, b);
    size_t len = a->text.len, part = b->text.len;
    if (part == 0)
        *out = true;
    else if (part <= len && op == OP_CONTAINS)
        *out = memmem(a->text.at, len, b->text.at, part) != NULL;
    else if (part <= len)
        *out = memcmp(op == OP_STARTS_WITH ? a->text.at : a->text.at + len - part, b->text.at, part) == 0;
    return charge(run, a);
}

static int matches(struct expr_run *run, const struct expr_node *n, const struct tpl_value *a, bool *out)
{
    *out = false;
    if (a->type == NULL)
        return ERR_OK;
    if (!expr_value_is(a, TPL_STRING))
        return expr_fail(run, "invalid operation: %s matches string", expr_value_type(a));
    *out = regex_match(n->regex, a->text.at, a->text.len, NULL, 0);
    return charge(run, a);
}

static int is_in(struct expr_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    int ret = ERR_OK;
    *out = false;
    if (b->type == NULL)
        return ERR_OK;
    if (expr_value_is(b, TPL_MAP)) {
        for (size_t i = 0; !*out && expr_value_is(a, TPL_STRING) && i < b->map.len; i++)
            *out = b->map.entries[i].key_len == a->text.len &&
                   memcmp(b->map.entries[i].key, a->text.at, a->text.len) == 0;
        return ERR_OK;
    }
    if (!expr_value_is(b, TPL_LIST))
        return expr_fail(run, "operator \"in\" not defined on %s", expr_value_type(b));
    for (uint32_t i = 0; ret == ERR_OK && !*out && i < b->list.len; i++)
        ret = expr_equal(run, &b->list.items[i], a, out);
    return ret;
}

/* ---- all of them ---- */

static int test(struct expr_run *run, const struct expr_node *n, const struct tpl_value *a,
                const struct tpl_value *b, bool *out)
{
    int ret;
    switch (n->op) {
    case OP_EQUAL:
        return expr_equal(run, a, b, out);
    case OP_UNEQUAL:
        ret = expr_equal(run, a, b, out);
        *out = !*out;
        return ret;
    case OP_IN:
        return is_in(run, a, b, out);
    case OP_MATCHES:
        return matches(run, n, a, out);
    case OP_CONTAINS:
    case OP_STARTS_WITH:
    case OP_ENDS_WITH:
        return search(run, n->op, a, b, out);
    default:
        return compare(run, n->op, a, b, out);
    }
}

int expr_binary(struct expr_run *run, const struct expr_node *n, const struct tpl_value *a,
                const struct tpl_value *b, struct tpl_value *out)
{
    bool truth = false;
    int ret;
    switch (n->op) {
    case OP_ADD:
        return expr_add(run, a, b, out);
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_POWER:
        return calculate(run, n->op, a, b, out);
    case OP_MODULO:
        return modulo(run, a, b, out);
    case OP_RANGE:
        return range(run, a, b, out);
    default:
        ret = test(run, n, a, b, &truth);
        *out = tpl_bool(truth);
        return ret;
    }
}
