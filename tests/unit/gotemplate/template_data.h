/* What the templates of the tests are executed on: the data of expect.go, and its function. */
#ifndef SEAMARK_TESTS_TEMPLATE_DATA_H
#define SEAMARK_TESTS_TEMPLATE_DATA_H

#include <stdio.h>
#include <string.h>

#include "gotemplate/gotemplate.h"

static inline struct tpl_value data_text(const char *text)
{
    return tpl_text(text, strlen(text));
}

static inline struct tpl_value data_u16(uint16_t n)
{
    return (struct tpl_value){.type = &tpl_type_uint16, .natural = n};
}

/* ---- main.question ---- */

static struct tpl_value question_name(const void *object)
{
    (void)object;
    return data_text("wWw.example.");
}

static struct tpl_value question_type(const void *object)
{
    (void)object;
    return data_u16(28);
}

static struct tpl_value question_class(const void *object)
{
    (void)object;
    return data_u16(1);
}

static const struct tpl_member question_members[] = {
    {.name = "Name", .get = question_name},
    {.name = "Qtype", .get = question_type},
    {.name = "Qclass", .get = question_class},
};
static const struct tpl_type question_struct = {
    .name = "main.question", .kind = TPL_STRUCT, .members = question_members, .nmembers = 3};
static const struct tpl_type question_pointer = {
    .name = "*main.question", .kind = TPL_STRUCT, .members = question_members, .nmembers = 3};
static const struct tpl_type question_list = {
    .name = "[]main.question", .kind = TPL_LIST, .elem = &question_struct};

/* ---- main.message ---- */

static struct tpl_value message_id(const void *object)
{
    (void)object;
    return data_u16(4711);
}

static struct tpl_value message_response(const void *object)
{
    (void)object;
    return tpl_bool(false);
}

static struct tpl_value message_question(const void *object)
{
    static const struct tpl_value one[] = {{.type = &question_struct, .object = ""}};
    (void)object;
    return (struct tpl_value){.type = &question_list, .list = {.items = one, .len = 1, .cap = 1}};
}

static void message_text(const void *object, struct bytes *out)
{
    (void)object;
    bytes_append_str(out, "a message");
}

static const struct tpl_member message_members[] = {
    {.name = "Id", .get = message_id},
    {.name = "Response", .get = message_response},
    {.name = "Question", .get = message_question},
};
static const struct tpl_type message_type = {.name = "*main.message",
                                             .kind = TPL_STRUCT,
                                             .members = message_members,
                                             .nmembers = 3,
                                             .text = message_text};

/* ---- main.data ---- */

static struct tpl_value data_list(const struct tpl_type *type, const struct tpl_value *items, uint32_t n)
{
    return (struct tpl_value){.type = type, .list = {.items = items, .len = n, .cap = n}};
}

static struct tpl_value data_match(const void *object)
{
    static struct tpl_value items[3];
    (void)object;
    items[0] = data_text("www.example.");
    items[1] = data_text("www");
    items[2] = data_text("");
    return data_list(&tpl_type_strings, items, 3);
}

static struct tpl_value data_group(const void *object)
{
    static struct tpl_entry entries[] = {{.key = "0"}, {.key = "a"}, {.key = "b"}};
    (void)object;
    entries[0].value = data_text("www.example.");
    entries[1].value = data_text("10");
    entries[2].value = data_text("ff");
    for (int i = 0; i < 3; i++)
        entries[i].key_len = 1;
    return (struct tpl_value){.type = &tpl_type_string_map, .map = {.entries = entries, .len = 3}};
}

static struct tpl_value data_var(const void *object)
{
    static const struct tpl_type any_list = {.name = "[]interface {}", .kind = TPL_LIST};
    static struct tpl_value items[3];
    static struct tpl_entry entries[] = {
        {.key = "list", .key_len = 4}, {.key = "n", .key_len = 1}, {.key = "none", .key_len = 4}};
    (void)object;
    items[0] = tpl_int(1);
    items[1] = data_text("two");
    entries[0].value = data_list(&any_list, items, 3);
    entries[1].value = tpl_int(7);
    return (struct tpl_value){.type = &tpl_type_any_map, .map = {.entries = entries, .len = 3}};
}

static struct tpl_value data_name(const void *object)
{
    (void)object;
    return data_text("www.example.");
}

static struct tpl_value data_type(const void *object)
{
    (void)object;
    return data_text("AAAA");
}

static struct tpl_value data_message(const void *object)
{
    return (struct tpl_value){.type = &message_type, .object = object};
}

static struct tpl_value data_question(const void *object)
{
    return (struct tpl_value){.type = &question_pointer, .object = object};
}

static struct tpl_value data_three(const void *object)
{
    (void)object;
    return tpl_int(3);
}

static struct tpl_value data_half(const void *object)
{
    (void)object;
    return (struct tpl_value){.type = &tpl_type_float64, .real = 0.5};
}

static struct tpl_value data_large(const void *object)
{
    (void)object;
    return (struct tpl_value){.type = &tpl_type_uint64, .natural = UINT64_MAX};
}

static struct tpl_value data_minus(const void *object)
{
    (void)object;
    return (struct tpl_value){.type = &tpl_type_int64, .integer = -5};
}

static struct tpl_value data_yes(const void *object)
{
    (void)object;
    return tpl_bool(true);
}

static struct tpl_value data_none(const void *object)
{
    (void)object;
    return data_list(&tpl_type_strings, NULL, 0);
}

static struct tpl_value data_odd(const void *object)
{
    static const char text[] = "<a href='x'>&\"\x00\x01\xff \xc3\xa9 \\";
    (void)object;
    return tpl_text(text, sizeof text - 1);
}

static int data_meta_call(struct tpl_run *run, const void *object, const struct tpl_value *args, size_t nargs,
                          struct tpl_value *out)
{
    (void)object, (void)nargs;
    char *text = tpl_alloc(run, args[0].text.len + 3);
    if (text == NULL)
        return ERR_LIMIT;
    int len = snprintf(text, args[0].text.len + 3, "<%.*s>", (int)args[0].text.len, args[0].text.at);
    *out = tpl_text(text, (size_t)len);
    return ERR_OK;
}

static int data_add_call(struct tpl_run *run, const void *object, const struct tpl_value *args, size_t nargs,
                         struct tpl_value *out)
{
    (void)run, (void)object, (void)nargs;
    *out = tpl_int(args[0].integer + args[1].integer);
    return ERR_OK;
}

static const struct tpl_func data_meta = {"Meta", "s", 0, data_meta_call};
static const struct tpl_func data_add = {"Add", "ii", 0, data_add_call};

static const struct tpl_member data_members[] = {
    {.name = "Name", .get = data_name},       {.name = "Type", .get = data_type},
    {.name = "Match", .get = data_match},     {.name = "Group", .get = data_group},
    {.name = "Message", .get = data_message}, {.name = "Question", .get = data_question},
    {.name = "Var", .get = data_var},         {.name = "Three", .get = data_three},
    {.name = "Half", .get = data_half},       {.name = "Large", .get = data_large},
    {.name = "Minus", .get = data_minus},     {.name = "Yes", .get = data_yes},
    {.name = "None", .get = data_none},       {.name = "Odd", .get = data_odd},
    {.name = "Meta", .method = &data_meta},   {.name = "Add", .method = &data_add},
};
static const struct tpl_type data_struct = {.name = "*main.data",
                                            .kind = TPL_STRUCT,
                                            .members = data_members,
                                            .nmembers = sizeof data_members / sizeof *data_members};
static const struct tpl_value data_dot = {.type = &data_struct, .object = ""};

static const struct tpl_func data_functions[] = {{"parseInt", "sii", 0, tpl_call_parse_uint}};

#endif
