#include "conf/k8s_external_block.h"

#include <ctype.h>
#include <string.h>

#include "conf/kubernetes_identity_p.h"

#define PLUGIN "k8s_external"

#define LABEL_DEFAULT "dns"
#define TTL_DEFAULT   5
#define TTL_MAX       3600 /* CoreDNS's limit */

/* One label, and one that can stand in any server's zone file; CoreDNS takes any word, and then denies the
 * name of its own name server where that is no label. */
static int read_apex(const struct directive *d, struct k8s_external_block *k, struct errtext *e)
{
    size_t len = strlen(d->args[0]);
    if (len == 0 || len > NAME_MAX_LABEL)
        return args_error(e, PLUGIN, d,
                          "expected a label of 1 to 63 octets behind \"apex\", found \"%.100s\"", d->args[0]);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)d->args[0][i];
        if (c >= 0x80 || (!isalnum(c) && c != '-' && c != '_'))
            return args_error(
                e, PLUGIN, d,
                "expected one label of letters, digits, '-' and '_' behind \"apex\", found \"%.100s\"",
                d->args[0]);
        k->label[i] = (char)tolower(c);
    }
    k->label[len] = '\0';
    return ERR_OK;
}

static int read_ttl(const struct directive *d, struct k8s_external_block *k, struct errtext *e)
{
    uint64_t ttl;
    int ret = args_uint(e, PLUGIN, d, d->args[0], 0, TTL_MAX, &ttl);
    if (ret == ERR_OK)
        k->ttl = (uint32_t)ttl;
    return ret;
}

static int read_headless(const struct directive *d, struct k8s_external_block *k, struct errtext *e)
{
    (void)d, (void)e;
    k->headless = true;
    return ERR_OK;
}

static int read_fallthrough(const struct directive *d, struct k8s_external_block *k, struct errtext *e)
{
    zone_list_free(&k->fallthrough_zones);
    k->fallthrough = true;
    return args_zones(e, PLUGIN, d, 0, NULL, &k->fallthrough_zones);
}

static const struct option {
    const char *name;
    size_t min, max; /* arguments */
    int (*read)(const struct directive *d, struct k8s_external_block *k, struct errtext *e);
} options[] = {
    {"apex", 1, 1, read_apex},
    {"ttl", 1, 1, read_ttl},
    {"headless", 0, 0, read_headless},
    {"fallthrough", 0, SIZE_MAX, read_fallthrough},
};

static int read_option(const struct directive *d, struct k8s_external_block *k, struct errtext *e)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(d->name, options[i].name) != 0)
            continue;
        int ret = args_count(e, PLUGIN, d, options[i].min, options[i].max);
        if (ret == ERR_OK)
            ret = options[i].read(d, k, e);
        if (ret == ERR_OK && d->has_body)
            ret = args_error(e, PLUGIN, d, "expected the end of the line behind \"%s\", found '{'", d->name);
        return ret;
    }
    return args_error(e, PLUGIN, d, "unknown property '%.100s'", d->name);
}

int k8s_external_block_parse(const struct server_block *b, const struct directive *d,
                             struct k8s_external_block *out, struct errtext *e)
{
    struct k8s_external_block k = {.label = LABEL_DEFAULT, .ttl = TTL_DEFAULT, .directive = d};
    int ret = ERR_OK;
    if (server_block_find(b, "kubernetes") == NULL)
        ret = args_error(e, PLUGIN, d, "kubernetes plugin not loaded");
    else if (server_block_find(b, d->name) != d)
        ret = args_error(e, PLUGIN, d, "this plugin can only be used once per Server Block");
    if (ret == ERR_OK)
        ret = args_zones(e, PLUGIN, d, 0, b, &k.zones);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_option(&d->body[i], &k, e);
    if (ret != ERR_OK) {
        k8s_external_block_free(&k);
        return ret;
    }
    *out = k;
    return ERR_OK;
}

void k8s_external_block_free(struct k8s_external_block *k)
{
    zone_list_free(&k->zones);
    zone_list_free(&k->fallthrough_zones);
}

void k8s_external_block_identity(const struct k8s_external_block *k, struct bytes *out)
{
    bytes_printf(out, " external: ttl=%u apex=%s headless=%s primary=", k->ttl, k->label,
                 k->headless ? "yes" : "no");
    identity_append_word(out, k->zones.zones[0]);
}
