/* Reading `rewrite edns0`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rewrite/rewrite_rule_p.h"
#include "serve/metadata.h"

#define OPTION_NSID   3
#define OPTION_SUBNET 8

static bool read_word(const char *word, const char *const words[], unsigned count, unsigned *out)
{
    for (*out = 0; *out < count; (*out)++)
        if (strcasecmp(word, words[*out]) == 0)
            return true;
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal text to octets; Go's words where it is none. */
static int read_hex(const char *text, struct rewrite_edns0 *o, struct errtext *e)
{
    size_t len = strlen(text);
    o->data = malloc(len / 2 + 1);
    if (o->data == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < len; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return errtext_set(e, ERR_CONFIG, "encoding/hex: invalid byte: U+%04X '%c'",
                               (unsigned char)text[i], text[i]);
        if (i % 2 == 0)
            o->data[i / 2] = (uint8_t)(digit << 4);
        else
            o->data[i / 2] |= (uint8_t)digit;
    }
    o->len = len / 2;
    return len % 2 == 0 ? ERR_OK : errtext_set(e, ERR_CONFIG, "encoding/hex: odd length hex string");
}

static int copy_data(const char *text, size_t len, struct rewrite_edns0 *o)
{
    o->data = (uint8_t *)strndup(text, len);
    o->len = len;
    return o->data == NULL ? -ENOMEM : ERR_OK;
}

static int read_variable(const char *word, struct rewrite_edns0 *o, struct errtext *e)
{
    static const char *const names[] = {"{qname}",    "{qtype}",     "{client_ip}",  "{client_port}",
                                        "{protocol}", "{server_ip}", "{server_port}"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(word, names[i]) == 0) {
            o->variable = (enum edns0_variable)(EDNS0_QNAME + i);
            return ERR_OK;
        }
    o->variable = EDNS0_METADATA;
    int ret = copy_data(word + 1, strlen(word) - 2, o);
    if (ret == ERR_OK && !metadata_is_label((const char *)o->data))
        ret = errtext_set(e, ERR_CONFIG, "unsupported variable name \"%.100s\"", word);
    return ret;
}

static int read_code(const char *word, struct rewrite_edns0 *o, struct errtext *e)
{
    uint64_t code;
    int ret = rewrite_read_number(word, 16, true, &code, e);
    if (ret == ERR_OK)
        o->code = (uint16_t)code;
    return ret;
}

static int read_local(struct words w, struct rewrite_edns0 *o, struct errtext *e)
{
    if (w.count != 4)
        return errtext_set(e, ERR_CONFIG, "EDNS0 local rules require three or four args");
    const char *data = w.at[3];
    int ret = read_code(w.at[2], o, e);
    if (ret != ERR_OK)
        return ret;
    if (data[0] == '{' && data[strlen(data) - 1] == '}' && data[1] != '\0')
        return read_variable(data, o, e);
    if (data[0] == '0' && data[1] == 'x')
        ret = read_hex(data + 2, o, e);
    else
        ret = copy_data(data, strlen(data), o);
    if (ret == ERR_OK && o->len > UINT16_MAX)
        ret = errtext_set(e, ERR_CONFIG, "EDNS0 option of %zu octets: more than %d", o->len, UINT16_MAX);
    return ret;
}

static int read_bits(const char *word, const char *family, unsigned max, uint8_t *out, struct errtext *e)
{
    uint64_t bits;
    int ret = rewrite_read_number(word, 16, true, &bits, e);
    if (ret == ERR_OK && bits > max)
        ret = errtext_set(e, ERR_CONFIG, "invalid %s bit mask length %u", family, (unsigned)bits);
    if (ret == ERR_OK)
        *out = (uint8_t)bits;
    return ret;
}

static int read_subnet(struct words w, struct rewrite_edns0 *o, struct errtext *e)
{
    if (w.count != 4)
        return errtext_set(e, ERR_CONFIG, "EDNS0 subnet rules require three or four args");
    int ret = read_bits(w.at[2], "IPv4", 32, &o->v4_bits, e);
    return ret == ERR_OK ? read_bits(w.at[3], "IPv6", 128, &o->v6_bits, e) : ret;
}

static int read_unset(struct words w, struct rewrite_edns0 *o, struct errtext *e)
{
    if (o->kind == EDNS0_LOCAL && w.count != 3)
        return errtext_set(e, ERR_CONFIG, "local unset action requires exactly two arguments");
    if (o->kind != EDNS0_LOCAL && w.count != 2)
        return errtext_set(e, ERR_CONFIG, "%s unset action requires exactly one argument",
                           o->kind == EDNS0_NSID ? "nsid" : "subnet");
    return o->kind == EDNS0_LOCAL ? read_code(w.at[2], o, e) : ERR_OK;
}

int rewrite_read_edns0(struct words w, struct rewrite_rule *r, struct errtext *e)
{
    static const char *const actions[] = {"set", "append", "replace", "unset"}; /* enum edns0_action */
    static const char *const kinds[] = {"local", "nsid", "subnet"};             /* enum edns0_kind */
    static const uint16_t codes[] = {0, OPTION_NSID, OPTION_SUBNET};
    struct rewrite_edns0 *o = &r->edns0;
    unsigned action, kind;
    if (w.count < 2)
        return errtext_set(e, ERR_CONFIG, "too few arguments for an EDNS0 rule");
    if (!read_word(w.at[1], actions, 4, &action)) {
        char *word = name_text_lower(w.at[1]);
        int ret = word == NULL ? -ENOMEM : errtext_set(e, ERR_CONFIG, "invalid action: \"%.100s\"", word);
        free(word);
        return ret;
    }
    if (!read_word(w.at[0], kinds, 3, &kind)) {
        char *word = name_text_lower(w.at[0]);
        int ret = word == NULL ? -ENOMEM : errtext_set(e, ERR_CONFIG, "invalid rule type \"%.100s\"", word);
        free(word);
        return ret;
    }
    *o = (struct rewrite_edns0){
        .kind = (enum edns0_kind)kind, .action = (enum edns0_action)action, .code = codes[kind]};
    if (o->action == EDNS0_UNSET)
        return read_unset(w, o, e);
    o->revert = strcmp(w.at[w.count - 1], "revert") == 0;
    if (o->revert)
        w.count--;
    if (o->kind == EDNS0_LOCAL)
        return read_local(w, o, e);
    if (o->kind == EDNS0_SUBNET)
        return read_subnet(w, o, e);
    return w.count == 2 ? ERR_OK
                        : errtext_set(e, ERR_CONFIG, "EDNS0 NSID rules can accept no more than one arg");
}
