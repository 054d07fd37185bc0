/* What the expressions of the tests may refer to: the names of expect.go. */
#ifndef SEAMARK_TESTS_EXPRESSION_NAMES_H
#define SEAMARK_TESTS_EXPRESSION_NAMES_H

#include <string.h>

#include "exprlang/exprlang.h"

static struct tpl_value names_text(const char *text)
{
    return tpl_text(text, strlen(text));
}

#define GIVES(function, value)                                                                               \
    static int function(struct expr_run *run, const void *ctx, const struct tpl_value *args, size_t nargs,   \
                        struct tpl_value *out)                                                               \
    {                                                                                                        \
        (void)run, (void)ctx, (void)args, (void)nargs;                                                       \
        *out = (value);                                                                                      \
        return ERR_OK;                                                                                       \
    }
GIVES(names_name, names_text("a.example."))
GIVES(names_type, names_text("AAAA"))
GIVES(names_add, tpl_int(args[0].integer + args[1].integer))
GIVES(names_same, args[0])

static int names_group(struct expr_run *run, const void *ctx, const struct tpl_value *args, size_t nargs,
                       struct tpl_value *out)
{
    (void)ctx, (void)nargs;
    struct bytes text;
    bytes_init(&text, 1000);
    bytes_append_str(&text, "<");
    tpl_format_value(&text, &args[0]);
    bytes_append_str(&text, ">");
    char *copy = text.error == ERR_OK ? expr_alloc(run, text.len) : NULL;
    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
        *out = tpl_text(copy, text.len);
    }
    bytes_free(&text);
    return copy == NULL ? ERR_LIMIT : ERR_OK;
}

static int names_fail(struct expr_run *run, const void *ctx, const struct tpl_value *args, size_t nargs,
                      struct tpl_value *out)
{
    (void)ctx, (void)args, (void)nargs, (void)out;
    return expr_fail(run, "failed");
}

static const struct expr_func names_functions[] = {
    {"name", "", &tpl_type_string, names_name},    {"type", "", &tpl_type_string, names_type},
    {"group", "a", &tpl_type_string, names_group}, {"add", "ii", &tpl_type_int, names_add},
    {"same", "s", &tpl_type_string, names_same},   {"fail", "", &tpl_type_bool, names_fail},
};

static const struct tpl_type names_list_type = {.name = "[]interface {}", .kind = TPL_LIST};

static const char *const names_variables[] = {"n", "s", "half", "yes", "list", "m", "what"};
static const struct tpl_type *const names_types[] = {
    &tpl_type_int, &tpl_type_string, &tpl_type_float64, &tpl_type_bool, &names_list_type, &tpl_type_any_map,
    NULL};
#define NAMES_VARIABLES 7

static const struct expr_env names_env = {.functions = names_functions,
                                          .nfunctions = sizeof names_functions / sizeof *names_functions,
                                          .variables = names_variables,
                                          .types = names_types,
                                          .nvariables = NAMES_VARIABLES};

/* The variables' values. */
static const struct tpl_value *names_values(void)
{
    static struct tpl_value values[NAMES_VARIABLES], ab[2], numbers[2];
    static struct tpl_entry entries[] = {{.key = "k", .key_len = 1}, {.key = "l", .key_len = 1}};
    ab[0] = names_text("a");
    ab[1] = names_text("b");
    numbers[0] = tpl_int(2);
    numbers[1] = tpl_int(3);
    entries[0].value = tpl_int(1);
    entries[1].value =
        (struct tpl_value){.type = &names_list_type, .list = {.items = numbers, .len = 2, .cap = 2}};
    values[0] = tpl_int(7);
    values[1] = names_text("www.example.");
    values[2] = (struct tpl_value){.type = &tpl_type_float64, .real = 0.5};
    values[3] = tpl_bool(true);
    values[4] = (struct tpl_value){.type = &names_list_type, .list = {.items = ab, .len = 2, .cap = 2}};
    values[5] = (struct tpl_value){.type = &tpl_type_any_map, .map = {.entries = entries, .len = 2}};
    values[6] = names_text("x");
    return values;
}

#endif
