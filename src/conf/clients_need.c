#include "conf/clients_need.h"

#include <string.h>

#include "conf/kubernetes_identity_p.h"

#define KEY_MAX 512 /* octets of a label's key; the API server's limit is 317 */

static bool is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_./", c) != NULL);
}

static int add_label(const char *at, struct clients_need *out)
{
    char key[KEY_MAX];
    size_t len = 0;
    while (is_key(at[len]))
        len++;
    if (len == 0 || len >= sizeof key)
        return ERR_OK;
    memcpy(key, at, len);
    key[len] = '\0';
    int ret = zone_list_add_plain(&out->labels, key);
    return ret == ERR_OK && out->labels.count > CLIENT_LABELS_MAX ? ERR_LIMIT : ret;
}

static int read_word(const char *word, struct clients_need *out)
{
    static const char prefix[] = "kubernetes/client-", label[] = "label/", pod[] = "pod-name";
    int ret = ERR_OK;
    while (ret == ERR_OK && (word = strstr(word, prefix)) != NULL) {
        word += sizeof prefix - 1;
        out->namespaces = true;
        if (strncmp(word, label, sizeof label - 1) == 0)
            ret = add_label(word + sizeof label - 1, out);
        else
            out->pods = out->pods || strncmp(word, pod, sizeof pod - 1) == 0;
    }
    return ret;
}

/* The words of a line; those of lines inside it are read by their own call. */
static int read_line(const struct directive *d, struct clients_need *out)
{
    int ret = read_word(d->name, out);
    for (size_t i = 0; ret == ERR_OK && i < d->nargs; i++)
        ret = read_word(d->args[i], out);
    return ret;
}

static int read_directive(const struct directive *d, struct clients_need *out)
{
    int ret = read_line(d, out);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_directive(&d->body[i], out); /* as deep as the Corefile's braces, which are bounded */
    return ret;
}

static int read_block(const struct server_block *b, struct clients_need *out)
{
    int ret = ERR_OK;
    const struct directive *autopath = server_block_find(b, "autopath");
    if (server_block_find(b, "kubernetes") == NULL)
        return ERR_OK;
    if (autopath != NULL && autopath->nargs > 0 &&
        strcmp(autopath->args[autopath->nargs - 1], "@kubernetes") == 0)
        out->namespaces = true;
    if (server_block_find(b, "metadata") == NULL)
        return ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < b->ndirectives; i++)
        ret = read_directive(&b->directives[i], out);
    return ret;
}

int clients_need_read(const struct corefile *c, struct clients_need *out)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < c->nblocks; i++)
        ret = read_block(&c->blocks[i], out);
    return ret;
}

void clients_need_free(struct clients_need *n)
{
    zone_list_free(&n->labels);
    *n = (struct clients_need){0};
}

void clients_need_identity(const struct clients_need *n, struct bytes *out)
{
    struct bytes all; /* apart: before it is cut it may be larger than `out` allows */
    bytes_init(&all, (CLIENT_LABELS_MAX + 1) * (KEY_MAX + sizeof ",label/"));
    bytes_append_str(&all, " clients=namespace");
    if (n->pods)
        bytes_append_str(&all, ",pod");
    for (size_t i = 0; i < n->labels.count; i++)
        bytes_printf(&all, ",label/%s", n->labels.zones[i]);
    identity_shorten(&all, 0);
    if (all.error == ERR_OK)
        bytes_append_str(out, all.data);
    else
        out->error = all.error;
    bytes_free(&all);
}
