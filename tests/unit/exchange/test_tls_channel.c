/* The TLS of a connection to an upstream, against a server of OpenSSL's that does as it likes. */
#include "../runner.h"

#include "../serve/fake_worker.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "exchange/tls_channel.h"

static struct tls_client *client;
static struct tls_channel *channel;
static SSL_CTX *server_context;
static SSL *server;
static BIO *to_server, *from_server;

static void use_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    CU_ASSERT_EQUAL_FATAL(SSL_CTX_use_certificate(server_context, cert), 1);
    CU_ASSERT_EQUAL_FATAL(SSL_CTX_use_PrivateKey(server_context, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* Both sides, before the first octet. */
static void begin(int version)
{
    const struct tls_settings settings = {.insecure = true};
    const union address address = {.in = {.sin_family = AF_INET}};
    struct errtext e = {{0}};
    CU_ASSERT_EQUAL_FATAL(tls_client_get(&settings, &client, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(tls_channel_open(client, "dns.example", &address, NULL, &channel), ERR_OK);
    server_context = SSL_CTX_new(TLS_server_method());
    CU_ASSERT_EQUAL_FATAL(SSL_CTX_set_max_proto_version(server_context, version), 1);
    use_certificate();
    server = SSL_new(server_context);
    to_server = BIO_new(BIO_s_mem());
    from_server = BIO_new(BIO_s_mem());
    SSL_set_bio(server, to_server, from_server);
    SSL_set_accept_state(server);
}

static void end(void)
{
    SSL_free(server);
    SSL_CTX_free(server_context);
    tls_channel_free(channel);
    tls_client_unref(client);
    ERR_clear_error();
}

/* What the channel has to send comes to the server. */
static void carry(void)
{
    struct bytes *sealed = tls_channel_sealed(channel);
    if (sealed->len > 0)
        BIO_write(to_server, sealed->data, (int)sealed->len);
    bytes_reset(sealed);
}

static int shake_with(uint8_t *octets, size_t len)
{
    tls_channel_feed(channel, octets, len);
    return tls_channel_shake(channel);
}

/* The handshake, `step` octets at a time. */
static void shake(size_t step)
{
    static uint8_t octets[8192];
    int done = tls_channel_shake(channel);
    for (unsigned i = 0; i < 20000 && done == 0; i++) {
        carry();
        SSL_do_handshake(server);
        int n = BIO_read(from_server, octets, (int)step);
        if (n > 0)
            done = shake_with(octets, (size_t)n);
    }
    CU_ASSERT_EQUAL_FATAL(done, 1);
    CU_ASSERT_FALSE(tls_channel_fed(channel));
    carry();
    CU_ASSERT_EQUAL_FATAL(SSL_do_handshake(server), 1);
}

static void connect_both(int version)
{
    begin(version);
    shake(8192);
}

/* All that the server has sent until now. */
static size_t sent(uint8_t *out, size_t cap)
{
    int n = BIO_read(from_server, out, (int)cap);
    return n > 0 ? (size_t)n : 0;
}

static bool complains_of(const char *what)
{
    char why[256];
    tls_channel_why(channel, why, sizeof why);
    if (strstr(why, what) != NULL)
        return true;
    fprintf(stderr, "\"%s\", not \"%s\"\n", why, what);
    return false;
}

/* ---- octets ---- */

static void a_handshake_may_come_octet_by_octet(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (unsigned i = 0; i < 2; i++) {
        begin(versions[i]);
        shake(1);
        end();
    }
}

static void records_are_read_one_by_one_however_they_come(void)
{
    uint8_t octets[8192], out[TLS_RECORD_MAX];
    connect_both(TLS1_3_VERSION);
    for (unsigned i = 0; i < 3; i++)
        SSL_write(server, &"abc"[i], 1);
    size_t len = sent(octets, sizeof octets);
    tls_channel_feed(channel, octets, len);
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), 1);
        CU_ASSERT_EQUAL(out[0], 'a' + i);
    }
    CU_ASSERT_FALSE(tls_channel_fed(channel));
    CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), 0);
    SSL_write(server, "long", 4);
    len = sent(octets, sizeof octets);
    for (size_t i = 0; i < len; i++) {
        tls_channel_feed(channel, octets + i, 1);
        CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), i + 1 < len ? 0 : 4);
        CU_ASSERT_FALSE(tls_channel_fed(channel));
    }
    end();
}

static void what_is_written_has_a_record_of_its_own(void)
{
    uint8_t out[64];
    connect_both(TLS1_3_VERSION);
    CU_ASSERT_TRUE(tls_channel_write(channel, "one", 3) && tls_channel_write(channel, "other", 5));
    carry();
    CU_ASSERT_EQUAL(SSL_read(server, out, sizeof out), 3);
    CU_ASSERT_EQUAL(SSL_read(server, out, sizeof out), 5);
    tls_channel_say_goodbye(channel);
    carry();
    CU_ASSERT_EQUAL(SSL_read(server, out, sizeof out), 0);
    CU_ASSERT_EQUAL(SSL_get_shutdown(server), SSL_RECEIVED_SHUTDOWN);
    end();
}

/* ---- the end ---- */

static void what_came_before_a_goodbye_is_read(void)
{
    uint8_t octets[8192], out[TLS_RECORD_MAX];
    connect_both(TLS1_3_VERSION);
    SSL_write(server, "last", 4);
    SSL_shutdown(server);
    tls_channel_feed(channel, octets, sent(octets, sizeof octets));
    CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), 4);
    CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), -1);
    CU_ASSERT_TRUE(complains_of("the connection was closed"));
    end();
}

static void garbage_and_alerts_end_it(void)
{
    static uint8_t garbage[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    static uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40}; /* handshake_failure */
    uint8_t octets[8192], out[TLS_RECORD_MAX];
    connect_both(TLS1_3_VERSION);
    sent(octets, sizeof octets);
    tls_channel_feed(channel, garbage, sizeof garbage);
    CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), -1);
    CU_ASSERT_TRUE(complains_of("bad record mac"));
    CU_ASSERT_TRUE(tls_channel_sealed(channel)->len > 0); /* which it is told */
    end();
    begin(TLS1_3_VERSION);
    CU_ASSERT_EQUAL(tls_channel_shake(channel), 0);
    CU_ASSERT_EQUAL(shake_with(alert, sizeof alert), -1);
    CU_ASSERT_TRUE(complains_of("handshake failure"));
    end();
}

/* OpenSSL's list of errors is the thread's: others leave theirs there. */
static void what_others_have_left_is_no_reason(void)
{
    uint8_t octets[8192], out[TLS_RECORD_MAX];
    begin(TLS1_3_VERSION);
    CU_ASSERT_EQUAL(tls_channel_shake(channel), 0);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_SIGNATURE);
    CU_ASSERT_TRUE(complains_of("the connection was closed")); /* by the other side, in the handshake */
    end();
    connect_both(TLS1_3_VERSION);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_SIGNATURE);
    SSL_write(server, "x", 1);
    SSL_shutdown(server);
    tls_channel_feed(channel, octets, sent(octets, sizeof octets));
    CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), 1);
    CU_ASSERT_EQUAL(tls_channel_read(channel, out, sizeof out), -1);
    CU_ASSERT_TRUE(complains_of("the connection was closed"));
    end();
}

/* ---- limits ---- */

/* Each asks for an answer, which nobody takes. */
static void answers_that_are_not_taken_have_a_limit(void)
{
    static uint8_t octets[65536];
    uint8_t out[TLS_RECORD_MAX];
    ssize_t n = 0;
    connect_both(TLS1_3_VERSION);
    for (unsigned i = 0; i < 400 && n >= 0; i++) {
        for (unsigned k = 0; k < 200; k++) {
            SSL_key_update(server, SSL_KEY_UPDATE_REQUESTED);
            SSL_do_handshake(server);
        }
        tls_channel_feed(channel, octets, sent(octets, sizeof octets));
        do
            n = tls_channel_read(channel, out, sizeof out);
        while (n == 0 && tls_channel_fed(channel));
    }
    CU_ASSERT_EQUAL(n, -1);
    CU_ASSERT_TRUE(tls_channel_sealed(channel)->len <= 1u << 18);
    CU_ASSERT_FALSE(tls_channel_write(channel, "x", 1));
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a handshake may come octet by octet", a_handshake_may_come_octet_by_octet},
        {"records are read one by one however they come", records_are_read_one_by_one_however_they_come},
        {"what is written has a record of its own", what_is_written_has_a_record_of_its_own},
        {"what came before a goodbye is read", what_came_before_a_goodbye_is_read},
        {"garbage and alerts end it", garbage_and_alerts_end_it},
        {"what others have left is no reason", what_others_have_left_is_no_reason},
        {"answers that are not taken have a limit", answers_that_are_not_taken_have_a_limit},
    };
    return run_suite("tls_channel", tests, sizeof tests / sizeof tests[0]);
}
