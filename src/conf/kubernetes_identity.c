/*
 * The line that says what shaped the records of a zone. Two blocks give the same line exactly where they give
 * the same records from the same source: so namespaces are sorted, and fallthrough and timeouts are not in
 * it. It is written into a file that people read, so no secret may be in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/fnv_p.h"
#include "conf/kubernetes_block.h"
#include "conf/kubernetes_identity_p.h"

/* The most octets of one value; a longer one is cut and closed with a hash of the whole, so that the line
 * fits into a header of the zone file (4096 octets) whatever is configured. */
#define VALUE_MAX 512
/* Octets of all namespaces before they are cut: four files of the largest size. */
#define NAMESPACES_MAX ((size_t)4 << 20)

/* Appends what fits and what reads back as one word. */
static void append_escaped(struct bytes *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f || *p == '%')
            bytes_printf(out, "%%%02X", *p);
        else
            bytes_append(out, p, 1);
    }
}

void identity_shorten(struct bytes *out, size_t start)
{
    if (out->error != ERR_OK || out->len - start <= VALUE_MAX)
        return;
    uint64_t hash = fnv_mix(FNV_START, out->data + start, out->len - start);
    out->len = start + VALUE_MAX - 17;
    bytes_printf(out, "~%016llx", (unsigned long long)hash);
}

void identity_append_word(struct bytes *out, const char *word)
{
    size_t start = out->len;
    append_escaped(out, word);
    identity_shorten(out, start);
}

/* A URL without the user and password that may stand in it, `https://user:secret@host/`. */
static int append_url(struct bytes *out, const char *url)
{
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + 3;
    size_t authority = strcspn(host, "/?#");
    char *copy = strdup(url);
    if (copy == NULL)
        return -ENOMEM;
    char *host_copy = copy + (host - url);
    for (size_t i = authority; i-- > 0;)
        if (host[i] == '@') {
            memmove(host_copy, host_copy + i + 1, strlen(host_copy + i + 1) + 1);
            break;
        }
    copy[strcspn(copy, "?#")] = '\0';
    append_escaped(out, copy);
    free(copy);
    return ERR_OK;
}

static int append_source(const struct kubernetes_block *k, struct bytes *out)
{
    size_t start = out->len;
    int ret = ERR_OK;
    if (k->objects != NULL) {
        bytes_append_str(out, "objects:");
        append_escaped(out, k->objects);
    } else if (k->kubeconfig != NULL) {
        bytes_append_str(out, "kubeconfig:");
        append_escaped(out, k->kubeconfig);
        identity_shorten(out, start);
        bytes_append_str(out, " context=");
        start = out->len;
        append_escaped(out, k->context == NULL ? "" : k->context);
    } else if (k->endpoint != NULL) {
        ret = append_url(out, k->endpoint);
    } else {
        bytes_append_str(out, "in-cluster");
    }
    identity_shorten(out, start);
    return ret;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the list, sorted, with commas between them. */
static int append_names(const struct zone_list *list, struct bytes *out)
{
    char **sorted = calloc(list->count, sizeof *sorted);
    if (sorted == NULL)
        return -ENOMEM;
    memcpy(sorted, list->zones, list->count * sizeof *sorted);
    qsort(sorted, list->count, sizeof *sorted, compare_text);
    struct bytes all; /* apart: before it is cut it may be larger than `out` allows */
    bytes_init(&all, NAMESPACES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            bytes_append_str(&all, ",");
        append_escaped(&all, sorted[i]);
    }
    free(sorted);
    identity_shorten(&all, 0);
    int ret = all.error;
    if (ret == ERR_OK)
        bytes_append_str(out, all.data);
    bytes_free(&all);
    return ret;
}

static int append_namespaces(const struct zone_list *namespaces, struct bytes *out)
{
    if (namespaces->count > 0)
        return append_names(namespaces, out);
    bytes_append_str(out, "*");
    return ERR_OK;
}

/* Options that most blocks do not have: without them the line is what it was before they existed. */
static int append_selector(const char *name, const struct label_selector *s, struct bytes *out)
{
    struct bytes text; /* apart: before it is cut it may be larger than `out` allows */
    if (s->count == 0)
        return ERR_OK;
    bytes_init(&text, 2 * LABEL_SELECTOR_MAX);
    int ret = label_selector_text(s, &text);
    bytes_printf(out, " %s=", name);
    struct bytes all;
    bytes_init(&all, 6 * LABEL_SELECTOR_MAX);
    if (ret == ERR_OK)
        append_escaped(&all, text.data);
    identity_shorten(&all, 0);
    if (ret == ERR_OK)
        ret = all.error;
    if (ret == ERR_OK)
        bytes_append_str(out, all.data);
    bytes_free(&all);
    bytes_free(&text);
    return ret;
}

int kubernetes_block_identity(const struct kubernetes_block *k, struct bytes *out)
{
    static const char *const modes[] = {
        [PODS_DISABLED] = "disabled",
        [PODS_INSECURE] = "insecure",
        [PODS_VERIFIED] = "verified",
    };
    int ret = append_source(k, out);
    if (ret != ERR_OK)
        return ret;
    bytes_printf(out, " ttl=%u pods=%s namespaces=", k->ttl, modes[k->pods]);
    ret = append_namespaces(&k->namespaces, out);
    if (ret != ERR_OK)
        return ret;
    bytes_printf(
        out, " endpoint_pod_names=%s noendpoints=%s ignore=%s primary=", k->endpoint_pod_names ? "yes" : "no",
        k->noendpoints ? "yes" : "no", k->ignore_empty_service ? "empty_service" : "none");
    identity_append_word(out, k->primary);
    ret = append_selector("namespace_labels", &k->namespace_labels, out);
    if (ret == ERR_OK)
        ret = append_selector("labels", &k->labels, out);
    if (k->zonal)
        bytes_append_str(out, " zonal=yes");
    if (ret == ERR_OK && k->multicluster.count > 0) {
        bytes_append_str(out, " multicluster=");
        ret = append_names(&k->multicluster, out);
    }
    return ret == ERR_OK ? out->error : ret;
}
