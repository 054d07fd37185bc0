/* One set of TLS settings in several threads: got, used for connections, given back. */
#include "../runner.h"

#include "../serve/fake_worker.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange/tls_client.h"

#define THREADS 4
#define ROUNDS  200

/* NULL, or what went wrong. */
static void *use(void *ctx)
{
    static char no_settings[] = "they cannot be got", no_sockets[] = "no sockets",
                no_hello[] = "nothing is begun";
    unsigned number = *(const unsigned *)ctx;
    const struct tls_settings settings = {.insecure = true};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct errtext e = {{0}};
        struct tls_client *c;
        if (tls_client_get(&settings, &c, &e) != ERR_OK)
            return no_settings;
        union address a = {.in = {.sin_family = AF_INET, .sin_port = (in_port_t)(i % 40)}};
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
            return no_sockets;
        SSL *ssl = tls_client_begin(c, number % 2 == 0 ? "dns.example" : "", &a, NULL);
        uint8_t hello[4096];
        if (ssl == NULL || SSL_set_fd(ssl, pair[0]) != 1 || SSL_do_handshake(ssl) == 1 ||
            recv(pair[1], hello, sizeof hello, 0) < 100)
            return no_hello;
        SSL_free(ssl);
        tls_client_unref(c);
        close(pair[0]);
        close(pair[1]);
    }
    return NULL;
}

static void threads_share_settings(void)
{
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, use, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        CU_ASSERT_PTR_NULL(complaint);
    }
}

static void the_same_settings_are_one_object(void)
{
    const struct tls_settings safe = {.insecure = false}, insecure = {.insecure = true};
    struct errtext e = {{0}};
    struct tls_client *a, *b, *c;
    CU_ASSERT_EQUAL_FATAL(tls_client_get(&safe, &a, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(tls_client_get(&safe, &b, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(tls_client_get(&insecure, &c, &e), ERR_OK);
    CU_ASSERT_PTR_EQUAL(a, b);
    CU_ASSERT_PTR_NOT_EQUAL(a, c);
    tls_client_unref(a);
    tls_client_unref(b);
    tls_client_unref(c);
}

static void a_file_that_cannot_be_used_is_said_by_name(void)
{
    const struct tls_settings missing = {.ca = "/nonexistent/ca.crt"}, none = {.ca = "/dev/null"};
    struct tls_client *c;
    struct errtext e = {{0}};
    CU_ASSERT_EQUAL(tls_client_get(&missing, &c, &e), ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "/nonexistent/ca.crt"));
    e = (struct errtext){{0}};
    CU_ASSERT_EQUAL(tls_client_get(&none, &c, &e), ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "could not read root certs: /dev/null"));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the same settings are one object", the_same_settings_are_one_object},
        {"a file that cannot be used is said by name", a_file_that_cannot_be_used_is_said_by_name},
        {"threads share settings", threads_share_settings},
    };
    return run_suite("tls_client_threads", tests, sizeof tests / sizeof tests[0]);
}
