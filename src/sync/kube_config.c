#include "sync/kube_config.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/fsio.h"

/* A mapping of the file and what it is called there, for messages: `user "admin"`. */
struct part {
    yaml_document_t *document;
    yaml_node_t *node; /* NULL: not there */
    char title[300];
};

/* The value under a key; NULL where there is none or it is null. */
static yaml_node_t *value_of(yaml_document_t *document, yaml_node_t *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < mapping->data.mapping.pairs.top; p++) {
        yaml_node_t *k = yaml_document_get_node(document, p->key);
        if (k == NULL || k->type != YAML_SCALAR_NODE || strcmp((char *)k->data.scalar.value, key) != 0)
            continue;
        yaml_node_t *v = yaml_document_get_node(document, p->value);
        if (v != NULL && v->type == YAML_SCALAR_NODE && v->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            (v->data.scalar.length == 0 || strcmp((char *)v->data.scalar.value, "~") == 0 ||
             strcmp((char *)v->data.scalar.value, "null") == 0))
            return NULL;
        return v;
    }
    return NULL;
}

/* The text under a key; NULL where there is none or "". Borrowed from the document. */
static int text_of(const struct part *p, const char *key, const char **out, struct errtext *e)
{
    yaml_node_t *v = value_of(p->document, p->node, key);
    *out = NULL;
    if (v == NULL)
        return ERR_OK;
    if (v->type != YAML_SCALAR_NODE || strlen((char *)v->data.scalar.value) != v->data.scalar.length)
        return errtext_set(e, ERR_CONFIG, "%s: %s is not a text", p->title, key);
    *out = v->data.scalar.length == 0 ? NULL : (const char *)v->data.scalar.value;
    return ERR_OK;
}

static int copy_text(const struct part *p, const char *key, char **slot, struct errtext *e)
{
    const char *text;
    int ret = text_of(p, key, &text, e);
    if (ret != ERR_OK || text == NULL)
        return ret;
    *slot = strdup(text);
    return *slot != NULL ? ERR_OK : errtext_set(e, -ENOMEM, "no memory");
}

static int copy_path(const struct part *p, const char *key, const char *folder, char **slot,
                     struct errtext *e)
{
    const char *path;
    int ret = text_of(p, key, &path, e);
    if (ret != ERR_OK || path == NULL)
        return ret;
    if (asprintf(slot, "%s%s", path[0] == '/' ? "" : folder, path) >= 0)
        return ERR_OK;
    *slot = NULL;
    return errtext_set(e, -ENOMEM, "no memory");
}

static int decode(const char *base64, struct bytes *out)
{
    size_t len = strlen(base64);
    EVP_ENCODE_CTX *ctx = len / 4 * 3 > KUBE_PEM_MAX ? NULL : EVP_ENCODE_CTX_new();
    if (ctx == NULL)
        return len / 4 * 3 > KUBE_PEM_MAX ? ERR_LIMIT : -ENOMEM;
    bytes_init(out, len + 3);
    int first = 0, last = 0;
    char *at = bytes_reserve(out, len + 3);
    EVP_DecodeInit(ctx);
    bool ok =
        at != NULL &&
        EVP_DecodeUpdate(ctx, (unsigned char *)at, &first, (const unsigned char *)base64, (int)len) >= 0 &&
        EVP_DecodeFinal(ctx, (unsigned char *)at + first, &last) == 1 && first + last > 0;
    EVP_ENCODE_CTX_free(ctx);
    if (ok) {
        out->len = (size_t)(first + last);
        return ERR_OK;
    }
    int ret = at == NULL ? out->error : ERR_MALFORMED;
    bytes_free(out);
    return ret;
}

/* KEY-data where it is there, else KEY as a path. */
static int read_pem(const struct part *p, const char *key, const char *folder, struct kube_pem *out,
                    struct errtext *e)
{
    char data_key[64];
    snprintf(data_key, sizeof data_key, "%s-data", key);
    const char *base64;
    int ret = text_of(p, data_key, &base64, e);
    if (ret != ERR_OK)
        return ret;
    if (base64 == NULL)
        return copy_path(p, key, folder, &out->path, e);
    ret = decode(base64, &out->data);
    return ret == ERR_OK ? ERR_OK
                         : errtext_set(e, ret == -ENOMEM ? ret : ERR_CONFIG, "%s: %s is not base64 (%s)",
                                       p->title, data_key, err_text(ret));
}

static int read_flag(const struct part *p, const char *key, bool *out, struct errtext *e)
{
    const char *text;
    int ret = text_of(p, key, &text, e);
    if (ret != ERR_OK || text == NULL)
        return ret;
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0
               ? ERR_OK
               : errtext_set(e, ERR_CONFIG, "%s: expected true or false behind %s, found \"%.40s\"", p->title,
                             key, text);
}

static int read_cluster(const struct part *p, const char *folder, struct kube_auth *a, struct errtext *e)
{
    const char *server = NULL;
    int ret = text_of(p, "server", &server, e);
    if (ret == ERR_OK && server == NULL)
        ret = errtext_set(e, ERR_CONFIG, "%s: no server", p->title);
    if (ret == ERR_OK)
        ret = read_flag(p, "insecure-skip-tls-verify", &a->insecure, e);
    if (ret == ERR_OK)
        ret = read_pem(p, "certificate-authority", folder, &a->ca, e);
    if (ret == ERR_OK)
        ret = copy_text(p, "tls-server-name", &a->tls_server_name, e);
    if (ret == ERR_OK)
        ret = copy_text(p, "proxy-url", &a->proxy, e);
    if (ret != ERR_OK)
        return ret;
    struct errtext why = {{0}};
    ret = kube_auth_set_server(a, server, &why);
    return ret == ERR_OK ? ERR_OK : errtext_set(e, ret, "%s: %s", p->title, why.text);
}

static int refuse_what_we_cannot_do(const struct part *p, struct errtext *e)
{
    static const struct {
        const char *key, *why;
    } refused[] = {
        {"exec", "gets its credentials from a program (exec), which Seamark does not run; give a token, a "
                 "tokenFile or a "
                 "client certificate"},
        {"auth-provider",
         "gets its credentials from an auth-provider, which is not supported; give a token, a tokenFile "
         "or a client certificate"},
        {"as", "impersonates another user (as), which is not supported"},
        {"as-uid", "impersonates another user (as-uid), which is not supported"},
        {"as-groups", "impersonates groups (as-groups), which is not supported"},
        {"as-user-extra", "impersonates another user (as-user-extra), which is not supported"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (value_of(p->document, p->node, refused[i].key) != NULL)
            return errtext_set(e, ERR_CONFIG, "%s %s", p->title, refused[i].why);
    return ERR_OK;
}

static int read_user(const struct part *p, const char *folder, struct kube_auth *a, struct errtext *e)
{
    const char *token = NULL;
    struct errtext why = {{0}};
    int ret = refuse_what_we_cannot_do(p, e);
    if (ret == ERR_OK)
        ret = read_pem(p, "client-certificate", folder, &a->cert, e);
    if (ret == ERR_OK)
        ret = read_pem(p, "client-key", folder, &a->key, e);
    if (ret == ERR_OK)
        ret = copy_text(p, "username", &a->username, e);
    if (ret == ERR_OK)
        ret = copy_text(p, "password", &a->password, e);
    if (ret == ERR_OK)
        ret = text_of(p, "token", &token, e);
    if (ret == ERR_OK)
        ret = copy_path(p, "tokenFile", folder, &a->token_file, e);
    if (ret != ERR_OK)
        return ret;
    if (token != NULL)
        ret = kube_auth_set_token(a, token, strlen(token), &why);
    if (ret == ERR_OK && kube_auth_refresh(a, &why) != ERR_OK &&
        token == NULL) /* the token stands in for the file */
        ret = ERR_CONFIG;
    if (ret == ERR_OK)
        ret = kube_auth_check(a, &why);
    return ret == ERR_OK ? ERR_OK : errtext_set(e, ret, "%s: %s", p->title, why.text);
}

/* The entry of a list (`clusters`) that has this name, and the mapping in it (`cluster`). */
static int find_named(yaml_document_t *document, const char *section, const char *kind, const char *name,
                      struct part *out, struct errtext *e)
{
    yaml_node_t *list = value_of(document, yaml_document_get_root_node(document), section);
    *out = (struct part){.document = document};
    snprintf(out->title, sizeof out->title, "%s \"%.256s\"", kind, name);
    if (list != NULL && list->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++) {
            struct part entry = {document, yaml_document_get_node(document, *i), "entry"};
            const char *its_name;
            if (text_of(&entry, "name", &its_name, NULL) != ERR_OK || its_name == NULL ||
                strcmp(its_name, name) != 0)
                continue;
            out->node = value_of(document, entry.node, kind);
            return ERR_OK;
        }
    }
    return errtext_set(e, ERR_CONFIG, "there is no %s", out->title);
}

static int read_document(yaml_document_t *document, const char *folder, const char *context,
                         struct kube_auth *a, struct errtext *e)
{
    struct part root = {document, yaml_document_get_root_node(document), "file"};
    struct part chosen, cluster, user;
    const char *cluster_name = NULL, *user_name = NULL;
    int ret = ERR_OK;
    if (context == NULL)
        ret = text_of(&root, "current-context", &context, e);
    if (ret == ERR_OK && context == NULL)
        ret = errtext_set(e, ERR_CONFIG, "it has no current-context, and no context is named");
    if (ret == ERR_OK)
        ret = find_named(document, "contexts", "context", context, &chosen, e);
    if (ret == ERR_OK)
        ret = text_of(&chosen, "cluster", &cluster_name, e);
    if (ret == ERR_OK)
        ret = text_of(&chosen, "user", &user_name, e);
    if (ret == ERR_OK && cluster_name == NULL)
        ret = errtext_set(e, ERR_CONFIG, "%s names no cluster", chosen.title);
    if (ret == ERR_OK)
        ret = find_named(document, "clusters", "cluster", cluster_name, &cluster, e);
    if (ret == ERR_OK && user_name != NULL) /* without a user: anonymous */
        ret = find_named(document, "users", "user", user_name, &user, e);
    if (ret == ERR_OK && user_name != NULL)
        ret = read_user(&user, folder, a, e);
    if (ret == ERR_OK)
        ret = read_cluster(&cluster, folder, a, e);
    return ret == ERR_OK ? kube_auth_check(a, e) : ret;
}

static int parse(const struct bytes *content, const char *folder, const char *context, struct kube_auth *a,
                 struct errtext *e)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        return errtext_set(e, -ENOMEM, "no memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)content->data, content->len);
    int ret;
    if (!yaml_parser_load(&parser, &document)) {
        ret = errtext_set(e, ERR_CONFIG, "line %zu: not YAML (%s)", parser.problem_mark.line + 1,
                          parser.problem != NULL ? parser.problem : "unknown problem");
    } else {
        ret = read_document(&document, folder, context, a, e);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return ret;
}

int kube_config_load(const char *path, const char *context, struct kube_auth *out, struct errtext *e)
{
    struct kube_auth a = {0};
    struct errtext why = {{0}};
    struct bytes content;
    bytes_init(&content, KUBE_CONFIG_MAX);
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
    int ret = folder == NULL ? -ENOMEM : fsio_read(path, &content);
    if (ret != ERR_OK)
        errtext_set(&why, ret, "%s", err_text(ret));
    else
        ret = parse(&content, folder, context, &a, &why);
    free(folder);
    bytes_free(&content);
    if (ret != ERR_OK) {
        kube_auth_free(&a);
        return errtext_set(e, ret == -ENOMEM ? ret : ERR_CONFIG, "kubeconfig %s: %s", path, why.text);
    }
    *out = a;
    return ERR_OK;
}
