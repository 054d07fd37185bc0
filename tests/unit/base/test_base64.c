/* Base64 for URLs: the test vectors of RFC 4648 section 10, without padding, and the two digits of its own.
 */
#include "../runner.h"

#include <string.h>

#include "base/base64.h"
#include "base/err.h"

static void vectors(void)
{
    static const struct {
        const char *octets, *text;
    } good[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
                {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct bytes b;
        bytes_init(&b, 100);
        bytes_append_str(&b, ">");
        CU_ASSERT_EQUAL(base64url_append(&b, (const uint8_t *)good[i].octets, strlen(good[i].octets)),
                        ERR_OK);
        CU_ASSERT_STRING_EQUAL(b.data + 1, good[i].text);
        bytes_free(&b);
    }
}

static void a_limit_is_kept(void)
{
    struct bytes b;
    bytes_init(&b, 5);
    CU_ASSERT_EQUAL(base64url_append(&b, (const uint8_t *)"foobar", 6), ERR_LIMIT);
    CU_ASSERT_TRUE(b.len <= 5);
    bytes_free(&b);
}

int main(void)
{
    static const struct unit_test tests[] = {{"vectors", vectors}, {"a limit is kept", a_limit_is_kept}};
    return run_suite("base64", tests, sizeof tests / sizeof tests[0]);
}
