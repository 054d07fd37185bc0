#include "serve/log_put.h"

#include "../plugins/fake_serve.h"

#include "../runner.h"

static uint64_t state = 88172645463325252u;

static unsigned dice(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

/* What a function has written, in memory of exactly the size that it may use, for AddressSanitizer. */
static char *room;
static const char *written(const char *end)
{
    static char text[LOG_PUT_MAX + 1];
    memcpy(text, room, (size_t)(end - room));
    text[end - room] = '\0';
    return text;
}

static void check_name(const uint8_t *name)
{
    char text[NAME_MAX_TEXT];
    CU_ASSERT_STRING_EQUAL(written(log_put_name(room, name, name_len(name))), name_to_text(name, text));
}

static void test_every_octet(void)
{
    for (unsigned c = 0; c < 256; c++)
        for (unsigned len = 1; len <= 18; len++)
            for (unsigned at = 0; at < len; at++) {
                uint8_t name[32] = {(uint8_t)len}, lower[32];
                memset(name + 1, 'x', len);
                name[1 + at] = (uint8_t)c;
                memcpy(name + 1 + len, "\3com", 5);
                name_lower(lower, name);
                check_name(lower);
            }
}

static void test_names(void)
{
    static const char usual[] = "abcdefghijklmnopqrstuvwxyz0123456789-_*";
    uint8_t name[NAME_MAX_LEN] = {0};
    check_name(name);
    for (int i = 0; i < 20000; i++) {
        size_t end = 0;
        for (unsigned labels = dice(12); labels > 0; labels--) {
            unsigned len = 1 + dice(dice(8) == 0 ? 63 : 12);
            if (end + len + 2 > NAME_MAX_LEN)
                break;
            name[end] = (uint8_t)len;
            for (unsigned k = 1; k <= len; k++)
                name[end + k] = dice(400) == 0 ? (uint8_t)(dice(256) | 0x20) : (uint8_t)usual[dice(39)];
            end += len + 1;
        }
        name[end] = 0;
        check_name(name);
    }
    for (unsigned i = 0; i < 127; i++) { /* the longest text: every octet escaped */
        name[2 * i] = 1;
        name[2 * i + 1] = 1;
    }
    name[254] = 0;
    check_name(name);
}

static void test_addresses(void)
{
    for (int i = 0; i < 50000; i++) {
        union address a = {.in6 = {.sin6_family = AF_INET6}};
        uint8_t *octets = a.in6.sin6_addr.s6_addr;
        for (unsigned k = 0; k < 16; k++)
            octets[k] = dice(3) == 0 ? (uint8_t)dice(256) : 0;
        if (i % 3 == 0) {
            a.sa.sa_family = AF_INET;
            a.in.sin_addr.s_addr = (uint32_t)dice(UINT32_MAX);
        } else if (i % 7 == 0) {
            memcpy(octets, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
        }
        bool four = a.sa.sa_family == AF_INET, mapped = !four && IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr);
        char text[ADDRESS_TEXT_MAX], expected[ADDRESS_TEXT_MAX + 2];
        inet_ntop(four || mapped ? AF_INET : AF_INET6,
                  four     ? (const void *)&a.in.sin_addr
                  : mapped ? octets + 12
                           : octets,
                  text, sizeof text);
        snprintf(expected, sizeof expected, four || mapped ? "%s" : "[%s]", text);
        CU_ASSERT_STRING_EQUAL_FATAL(written(log_put_address(room, &a)), expected);
    }
}

static void test_numbers(void)
{
    static const uint64_t some[] = {0,     1,         9,          10,         99,        100,
                                    65535, 999999999, 1000000000, 1000000001, UINT64_MAX};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)some[i]);
        CU_ASSERT_STRING_EQUAL(written(log_put_number(room, some[i])), expected);
    }
    CU_ASSERT_STRING_EQUAL(written(log_put_seconds(room, 0)), "0s");
    CU_ASSERT_STRING_EQUAL(written(log_put_seconds(room, 1)), "0.000000001s");
    CU_ASSERT_STRING_EQUAL(written(log_put_seconds(room, 120000)), "0.00012s");
    CU_ASSERT_STRING_EQUAL(written(log_put_seconds(room, 12345678901)), "12.345678901s");
    CU_ASSERT_STRING_EQUAL(written(log_put_seconds(room, 3000000000)), "3s");
}

static void test_flags(void)
{
    CU_ASSERT_STRING_EQUAL(written(log_put_flags(room, 0)), "");
    CU_ASSERT_STRING_EQUAL(written(log_put_flags(room, FLAG_QR)), "qr");
    CU_ASSERT_STRING_EQUAL(written(log_put_flags(room, 0xffff)), "qr,aa,tc,rd,ra,ad,cd");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"each octet at each place of a label reads as name_to_text has it", test_every_octet},
        {"so do names, up to the longest", test_names},
        {"addresses read as inet_ntop has them, IPv6 in brackets", test_addresses},
        {"numbers and durations", test_numbers},
        {"flags stand in order with commas between", test_flags},
    };
    room = malloc(LOG_PUT_MAX);
    int status = run_suite("log_put", tests, sizeof tests / sizeof tests[0]);
    free(room);
    return status;
}
