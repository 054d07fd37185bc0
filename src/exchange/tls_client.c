#include "exchange/tls_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exchange/exchange.h"

enum { FILE_CERT, FILE_KEY, FILE_CA, FILES };

/* A file, and what tells whether it is still the same one. */
struct file {
    char *path; /* NULL: none */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct session {
    char name[SERVER_NAME_MAX];
    union address address;
    SSL_SESSION *session; /* the newest; NULL: none yet */
};

struct tls_client {
    struct tls_client *next;
    unsigned references; /* under `all_lock` */
    struct file files[FILES];
    bool insecure;
    SSL_CTX *ctx;
    pthread_mutex_t lock; /* of the sessions */
    unsigned nsessions;
    struct session sessions[TLS_SESSIONS_MAX];
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_client *all;

/* ---- sessions ---- */

/* An SSL's extra data is the number of its place among the sessions, counted from 1; 0: none. */
static int place_index(void)
{
    static int index = -1;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    pthread_mutex_unlock(&lock);
    return index;
}

/* The place of this upstream, made where it has none; 0 where there is no room. Under the lock. */
static uintptr_t place_of(struct tls_client *c, const char *name, const union address *address)
{
    for (unsigned i = 0; i < c->nsessions; i++)
        if (strcmp(c->sessions[i].name, name) == 0 && address_equal(&c->sessions[i].address, address))
            return i + 1;
    if (c->nsessions == TLS_SESSIONS_MAX)
        return 0;
    struct session *s = &c->sessions[c->nsessions++];
    snprintf(s->name, sizeof s->name, "%s", name);
    s->address = *address;
    return c->nsessions;
}

/* OpenSSL has a new session; 1 takes it over. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    uintptr_t place = (uintptr_t)SSL_get_ex_data(ssl, place_index());
    if (place == 0 || !SSL_SESSION_is_resumable(session))
        return 0;
    pthread_mutex_lock(&c->lock);
    SSL_SESSION_free(c->sessions[place - 1].session);
    c->sessions[place - 1].session = session;
    pthread_mutex_unlock(&c->lock);
    return 1;
}

static void offer_session(struct tls_client *c, SSL *ssl, const char *name, const union address *address)
{
    pthread_mutex_lock(&c->lock);
    uintptr_t place = place_of(c, name, address);
    SSL_set_ex_data(ssl, place_index(), (void *)place);
    if (place > 0 && c->sessions[place - 1].session != NULL)
        SSL_set_session(ssl, c->sessions[place - 1].session);
    pthread_mutex_unlock(&c->lock);
}

/* ---- settings ---- */

static int read_file(struct file *f, const char *path, struct errtext *e)
{
    struct stat st;
    if (path == NULL)
        return ERR_OK;
    if (stat(path, &st) != 0)
        return errtext_set(e, ERR_CONFIG, "error reading %s: %s", path, strerror(errno));
    f->path = strdup(path);
    if (f->path == NULL)
        return -ENOMEM;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->size = st.st_size;
    f->changed = st.st_mtim;
    return ERR_OK;
}

static bool same_file(const struct file *a, const struct file *b)
{
    if (a->path == NULL || b->path == NULL)
        return a->path == b->path;
    return strcmp(a->path, b->path) == 0 && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static void client_free(struct tls_client *c)
{
    for (unsigned i = 0; i < c->nsessions; i++)
        SSL_SESSION_free(c->sessions[i].session);
    for (unsigned i = 0; i < FILES; i++)
        free(c->files[i].path);
    SSL_CTX_free(c->ctx);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static const char *newest_error(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text == NULL ? "unknown error" : text;
}

static int load_files(struct tls_client *c, struct errtext *e)
{
    const char *cert = c->files[FILE_CERT].path, *key = c->files[FILE_KEY].path, *ca = c->files[FILE_CA].path;
    if (ca == NULL && !c->insecure && SSL_CTX_set_default_verify_paths(c->ctx) != 1)
        return errtext_set(e, ERR_CONFIG, "the system's certificate authorities cannot be read: %s",
                           newest_error());
    if (ca != NULL && SSL_CTX_load_verify_locations(c->ctx, ca, NULL) != 1)
        return errtext_set(e, ERR_CONFIG, "could not read root certs: %s: %s", ca, newest_error());
    if (cert == NULL)
        return ERR_OK;
    if (SSL_CTX_use_certificate_chain_file(c->ctx, cert) != 1)
        return errtext_set(e, ERR_CONFIG, "could not load TLS cert: %s: %s", cert, newest_error());
    if (SSL_CTX_use_PrivateKey_file(c->ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(c->ctx) != 1)
        return errtext_set(e, ERR_CONFIG, "could not load TLS cert: %s: %s", key, newest_error());
    return ERR_OK;
}

static int make_context(struct tls_client *c, struct errtext *e)
{
    ERR_clear_error();
    c->ctx = SSL_CTX_new(TLS_client_method());
    if (c->ctx == NULL || SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION) != 1)
        return errtext_set(e, -ENOMEM, "TLS cannot be set up: %s", newest_error());
    SSL_CTX_set_app_data(c->ctx, c);
    SSL_CTX_set_verify(c->ctx, c->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, on_session);
    return load_files(c, e);
}

static struct tls_client *find(const struct tls_client *wanted)
{
    for (struct tls_client *c = all; c != NULL; c = c->next) {
        bool same = c->insecure == wanted->insecure;
        for (unsigned i = 0; i < FILES; i++)
            same = same && same_file(&c->files[i], &wanted->files[i]);
        if (same)
            return c;
    }
    return NULL;
}

int tls_client_get(const struct tls_settings *settings, struct tls_client **out, struct errtext *e)
{
    const char *paths[FILES] = {settings->cert, settings->key, settings->ca};
    struct tls_client *c = calloc(1, sizeof *c);
    int ret = c == NULL ? -ENOMEM : ERR_OK;
    if (ret != ERR_OK)
        return ret;
    pthread_mutex_init(&c->lock, NULL);
    c->references = 1;
    c->insecure = settings->insecure;
    for (unsigned i = 0; i < FILES && ret == ERR_OK; i++)
        ret = read_file(&c->files[i], paths[i], e);
    pthread_mutex_lock(&all_lock);
    struct tls_client *had = ret == ERR_OK ? find(c) : NULL;
    if (had != NULL)
        had->references++;
    pthread_mutex_unlock(&all_lock);
    if (ret == ERR_OK && had == NULL)
        ret = make_context(c, e);
    if (ret != ERR_OK || had != NULL) {
        client_free(c);
        *out = had;
        return ret;
    }
    pthread_mutex_lock(&all_lock);
    c->next = all;
    all = c;
    pthread_mutex_unlock(&all_lock);
    *out = c;
    return ERR_OK;
}

struct tls_client *tls_client_ref(struct tls_client *c)
{
    if (c == NULL)
        return NULL;
    pthread_mutex_lock(&all_lock);
    c->references++;
    pthread_mutex_unlock(&all_lock);
    return c;
}

void tls_client_unref(struct tls_client *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&all_lock);
    bool last = --c->references == 0;
    if (last) {
        struct tls_client **at = &all;
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
    }
    pthread_mutex_unlock(&all_lock);
    if (last)
        client_free(c);
}

/* ---- connections ---- */

static bool is_address(const char *name)
{
    uint8_t octets[16];
    return inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1;
}

/* RFC 8310 section 8.1: the name, or the address, is to stand in the certificate's subjectAltName. A host
 * name is told to the other side too (RFC 6066 section 3). */
static bool set_name(SSL *ssl, const char *name)
{
    char told[SERVER_NAME_MAX];
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    snprintf(told, sizeof told, "%s", name); /* OpenSSL's macro wants one that is not const */
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, told) == 1;
}

struct ssl_st *tls_client_begin(struct tls_client *c, const char *name, const union address *address,
                                const char *alpn)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (name[0] == '\0') {
        bool v6 = address->sa.sa_family == AF_INET6;
        inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? (const void *)&address->in6.sin6_addr : &address->in.sin_addr,
                  text, sizeof text);
        name = text;
    }
    SSL *ssl = SSL_new(c->ctx);
    if (ssl == NULL)
        return NULL;
    bool ok = set_name(ssl, name);
    if (ok && alpn != NULL)
        ok = SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn)) == 0;
    if (!ok) {
        SSL_free(ssl);
        return NULL;
    }
    offer_session(c, ssl, name, address);
    SSL_set_connect_state(ssl);
    return ssl;
}

void tls_client_error(const struct ssl_st *ssl, char *out, size_t cap)
{
    long verified = SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? X509_V_OK : SSL_get_verify_result(ssl);
    const char *why = ERR_reason_error_string(ERR_peek_error());
    if (verified != X509_V_OK)
        snprintf(out, cap, "certificate: %s", X509_verify_cert_error_string(verified));
    else
        snprintf(out, cap, "%s", why != NULL ? why : "the connection was closed");
    ERR_clear_error();
}
