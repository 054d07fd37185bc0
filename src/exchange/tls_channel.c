#include "exchange/tls_channel.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* Sealed octets that wait: the owner seals no more than a message of DNS while there are some tens of
 * thousands. Others are answers to what the other side may send without end (RFC 8446 section 4.6.3). */
#define SEALED_MAX (1u << 18)

struct tls_channel {
    SSL *ssl;
    struct tls_client *client;
    bool alpn;         /* a protocol has to be agreed on */
    bool disagreed;    /* and was not */
    bool failed;       /* the last operation; else it is the other side that has closed the connection */
    const uint8_t *in; /* fed and not taken yet */
    size_t in_len;
    struct bytes sealed;
};

/* ---- what OpenSSL reads from and writes to ---- */

static int take_fed(BIO *bio, char *out, int cap)
{
    struct tls_channel *t = BIO_get_data(bio);
    size_t n = t->in_len < (size_t)cap ? t->in_len : (size_t)cap;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, t->in, n);
    t->in += n;
    t->in_len -= n;
    return (int)n;
}

static int keep_sealed(BIO *bio, const char *data, int len)
{
    struct tls_channel *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    return bytes_append(&t->sealed, data, (size_t)len) == ERR_OK ? len : -1;
}

static long control(BIO *bio, int what, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return what == BIO_CTRL_FLUSH; /* nothing is held back; all else is not known here */
}

static BIO_METHOD *method;

static void make_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "seamark channel");
    if (m == NULL)
        return;
    if (BIO_meth_set_read(m, take_fed) == 1 && BIO_meth_set_write(m, keep_sealed) == 1 &&
        BIO_meth_set_ctrl(m, control) == 1)
        method = m;
    else
        BIO_meth_free(m);
}

static BIO *bio_new(struct tls_channel *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    if (bio != NULL) {
        BIO_set_data(bio, t);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- life ---- */

int tls_channel_open(struct tls_client *c, const char *name, const union address *address, const char *alpn,
                     struct tls_channel **out)
{
    struct tls_channel *t = calloc(1, sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    t->client = tls_client_ref(c);
    t->alpn = alpn != NULL;
    bytes_init(&t->sealed, SEALED_MAX);
    BIO *bio = bio_new(t);
    t->ssl = bio == NULL ? NULL : tls_client_begin(c, name, address, alpn);
    if (t->ssl == NULL) {
        BIO_free(bio);
        tls_channel_free(t);
        return -ENOMEM;
    }
    SSL_set_bio(t->ssl, bio, bio);
    *out = t;
    return ERR_OK;
}

void tls_channel_free(struct tls_channel *t)
{
    if (t == NULL)
        return;
    if (t->ssl != NULL && SSL_is_init_finished(t->ssl)) /* else OpenSSL takes the session for spoilt */
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    tls_client_unref(t->client);
    bytes_free(&t->sealed);
    free(t);
}

/* ---- octets ---- */

void tls_channel_feed(struct tls_channel *t, const uint8_t *data, size_t len)
{
    ERR_clear_error(); /* what others have left there would be taken for ours; once for all that is fed */
    t->in = data;
    t->in_len = len;
}

bool tls_channel_fed(const struct tls_channel *t)
{
    return t->in_len > 0;
}

struct bytes *tls_channel_sealed(struct tls_channel *t)
{
    return &t->sealed;
}

/* Whether an operation that did not succeed wants more octets. SSL_want_read() alone says so of a handshake
 * that an alert has ended, too. */
static int result(struct tls_channel *t, int ret)
{
    int error = SSL_get_error(t->ssl, ret);
    t->failed = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_ZERO_RETURN;
    return error == SSL_ERROR_WANT_READ ? 0 : -1;
}

int tls_channel_shake(struct tls_channel *t)
{
    const unsigned char *chosen;
    unsigned len;
    ERR_clear_error();
    int ret = SSL_do_handshake(t->ssl);
    if (ret != 1)
        return result(t, ret);
    SSL_get0_alpn_selected(t->ssl, &chosen, &len);
    t->disagreed = t->alpn && len == 0;
    return t->disagreed ? -1 : 1;
}

ssize_t tls_channel_read(struct tls_channel *t, void *out, size_t cap)
{
    int n = SSL_read(t->ssl, out, cap < TLS_RECORD_MAX ? (int)cap : TLS_RECORD_MAX);
    return n > 0 ? n : result(t, n);
}

bool tls_channel_write(struct tls_channel *t, const void *data, size_t len)
{
    return SSL_write(t->ssl, data, (int)len) > 0;
}

void tls_channel_say_goodbye(struct tls_channel *t)
{
    SSL_shutdown(t->ssl); /* does not wait for an answer */
    ERR_clear_error();
}

bool tls_channel_resumed(const struct tls_channel *t)
{
    return SSL_session_reused(t->ssl) == 1;
}

void tls_channel_why(const struct tls_channel *t, char *out, size_t cap)
{
    if (t->disagreed)
        snprintf(out, cap, "it does not speak the protocol that is needed");
    else if (t->failed)
        tls_client_error(t->ssl, out, cap);
    else
        snprintf(out, cap, "the connection was closed");
}
