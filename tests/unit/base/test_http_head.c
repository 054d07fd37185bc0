#include "base/http_head.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "../runner.h"

static int parse(const char *text, struct http_head *head)
{
    /* On the heap and exact, so that AddressSanitizer sees a read too far. */
    size_t len = strlen(text);
    static char *copy;
    free(copy);
    copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text, len);
    return http_head_parse(copy, len, head);
}

static bool path_is(const struct http_head *head, const char *path)
{
    return head->path_len == strlen(path) && memcmp(head->path, path, head->path_len) == 0;
}

static void test_get(void)
{
    struct http_head head;
    const char *text = "GET /health HTTP/1.1\r\nHost: x\r\nAccept:\r\n\r\nrest";
    CU_ASSERT_EQUAL(parse(text, &head), (int)strlen(text) - 4);
    CU_ASSERT_EQUAL(head.method, HTTP_METHOD_GET);
    CU_ASSERT_TRUE(path_is(&head, "/health"));
}

static void test_methods(void)
{
    struct http_head head;
    CU_ASSERT_TRUE(parse("HEAD / HTTP/1.0\r\n\r\n", &head) > 0);
    CU_ASSERT_EQUAL(head.method, HTTP_METHOD_HEAD);
    CU_ASSERT_TRUE(parse("POST / HTTP/1.0\r\n\r\n", &head) > 0);
    CU_ASSERT_EQUAL(head.method, HTTP_METHOD_OTHER);
    CU_ASSERT_TRUE(parse("get / HTTP/1.0\r\n\r\n", &head) > 0);
    CU_ASSERT_EQUAL(head.method, HTTP_METHOD_OTHER);
}

static void test_targets(void)
{
    struct http_head head;
    CU_ASSERT_TRUE(parse("GET /metrics?a=/b HTTP/1.1\n\n", &head) > 0);
    CU_ASSERT_TRUE(path_is(&head, "/metrics"));
    CU_ASSERT_TRUE(parse("GET http://host:9153/metrics HTTP/1.1\r\n\r\n", &head) > 0);
    CU_ASSERT_TRUE(path_is(&head, "/metrics"));
}

static void test_incomplete(void)
{
    static const char text[] = "GET /ready HTTP/1.1\r\nA: b\r\n\r\n";
    struct http_head head;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *part = strndup(text, len);
        CU_ASSERT_EQUAL(parse(part, &head), 0);
        free(part);
    }
}

static void test_malformed(void)
{
    static const char *const bad[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.x\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET relative HTTP/1.1\r\n\r\n",
        "GET http://host HTTP/1.1\r\n\r\n",
        "GET /a\tb HTTP/1.1\r\n\r\n",
        "G\001T / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\n: v\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\001\r\n\r\n",
        "\x16\x03\x01\x02\n",
    };
    struct http_head head = {.path_len = 77};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(parse(bad[i], &head), ERR_MALFORMED);
    CU_ASSERT_EQUAL(head.path_len, 77);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a GET gives its path and the length of its head", test_get},
        {"methods compare with their case", test_methods},
        {"query, scheme and authority are cut off", test_targets},
        {"a head that has not ended asks for more", test_incomplete},
        {"what is no HTTP/1 head is refused and writes no result", test_malformed},
    };
    return run_suite("http_head", tests, sizeof tests / sizeof tests[0]);
}
