#include "dns/name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"

/* The name that `text` stands for; from a few static buffers, so that a check can use several. */
static const uint8_t *name(const char *text)
{
    static uint8_t buffers[4][NAME_MAX_LEN];
    static unsigned next;
    uint8_t *out = buffers[next++ % 4];
    if (name_from_text(text, strlen(text), out) < 0) {
        CU_FAIL("a name of the test is malformed");
        out[0] = 0;
    }
    return out;
}

static int read_text(const char *text)
{
    uint8_t out[NAME_MAX_LEN];
    return name_from_text(text, strlen(text), out);
}

static void text_and_wire_form_stand_for_each_other(void)
{
    static const struct {
        const char *text, *wire, *again;
        int len;
    } cases[] = {
        {".", "\0", ".", 1},
        {"a", "\1a", "a.", 3},
        {"a.", "\1a", "a.", 3},
        {"Web.Default.SVC.cluster.local.", "\3Web\7Default\3SVC\7cluster\5local",
         "Web.Default.SVC.cluster.local.", 31},
        {"a\\.b.c.", "\3a.b\1c", "a\\.b.c.", 7},
        {"\\065\\000\\255.", "\3A\0\xff", "A\\000\\255.", 5},
        {"\\ \\\"\\;\\(\\)\\@\\$\\\\.", "\10 \";()@$\\", "\\032\\\"\\;\\(\\)\\@\\$\\\\.", 10},
        {"*.x", "\1*\1x", "*.x.", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[NAME_MAX_LEN];
        char text[NAME_MAX_TEXT];
        CU_ASSERT_EQUAL(name_from_text(cases[i].text, strlen(cases[i].text), out), cases[i].len);
        CU_ASSERT_EQUAL(memcmp(out, cases[i].wire, (size_t)cases[i].len), 0);
        CU_ASSERT_EQUAL(name_len(out), (size_t)cases[i].len);
        CU_ASSERT_EQUAL(name_check(out, sizeof out), cases[i].len);
        CU_ASSERT_STRING_EQUAL(name_to_text(out, text), cases[i].again);
    }
}

/* A final dot makes no difference but this: the text may be read many octets at once. */
static void reading_many_octets_at_once_is_reading_each(void)
{
    static const char mostly[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.ABCXYZ",
                      rarely[] = "\\. \t\x7f\x80\xff\"@;1";
    uint8_t slow[NAME_MAX_LEN], fast[NAME_MAX_LEN];
    uint64_t random = 88172645463325252u;
    unsigned read = 0, differing = 0;
    for (unsigned i = 0; i < 100000; i++) {
        char text[280];
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t len = 1 + random % 270, odd = random >> 20 & 1 ? len : (random >> 24) % 270;
        for (size_t k = 0; k < len; k++) {
            uint64_t n = random = random * 6364136223846793005u + 1442695040888963407u;
            text[k] = mostly[(n >> 33) % (sizeof mostly - 1)];
            if (k == odd)
                text[k] = rarely[(n >> 33) % (sizeof rarely - 1)];
        }
        if (text[len - 1] == '.' || text[len - 1] == '\\')
            continue;
        int without = name_from_text(text, len, slow);
        text[len] = '.';
        int with = name_from_text(text, len + 1, fast);
        read += with > 0;
        differing += with != without || (with > 0 && memcmp(slow, fast, (size_t)with) != 0);
    }
    CU_ASSERT(read > 1000);
    CU_ASSERT_EQUAL(differing, 0);
}

static void malformed_text_is_refused(void)
{
    static const char *const cases[] = {"",    "..",   ".a",    "a..b",   "a..",    "a b",    "a\tb",
                                        "a\\", "a\\1", "a\\12", "a\\256", "a\\1x2", "\\999.", "a\nb"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(read_text(cases[i]), ERR_MALFORMED);
}

static void labels_have_at_most_63_octets_and_names_255(void)
{
    char text[1100], label[65];
    memset(label, 'x', 64);
    label[64] = '\0';
    CU_ASSERT_EQUAL(read_text(label), ERR_MALFORMED);
    label[63] = '\0';
    CU_ASSERT_EQUAL(read_text(label), 65);
    snprintf(text, sizeof text, "%s.%s.%s.%.61s", label, label, label, label);
    CU_ASSERT_EQUAL(read_text(text), 255);
    snprintf(text, sizeof text, "%s.%s.%s.%.61s.", label, label, label, label);
    CU_ASSERT_EQUAL(read_text(text), 255);
    snprintf(text, sizeof text, "%s.%s.%s.%.62s", label, label, label, label);
    CU_ASSERT_EQUAL(read_text(text), ERR_MALFORMED);
    snprintf(text, sizeof text, "%s.%s.%s.%.59s.a", label, label, label, label);
    CU_ASSERT_EQUAL(read_text(text), 255);
    snprintf(text, sizeof text, "%s.%s.%s.%.60s.a", label, label, label, label);
    CU_ASSERT_EQUAL(read_text(text), ERR_MALFORMED);
}

static void the_longest_text_fits_its_buffer(void)
{
    uint8_t wire[NAME_MAX_LEN];
    char text[NAME_MAX_TEXT];
    memset(wire, 1, sizeof wire);
    wire[0] = wire[64] = wire[128] = 63;
    wire[192] = 61;
    wire[254] = 0;
    CU_ASSERT_EQUAL(name_check(wire, sizeof wire), 255);
    CU_ASSERT_EQUAL(strlen(name_to_text(wire, text)), 250 * 4 + 4);
    memset(wire, 1, sizeof wire); /* 127 labels of one octet */
    wire[254] = 0;
    CU_ASSERT_EQUAL(name_check(wire, sizeof wire), 255);
    CU_ASSERT_EQUAL(name_label_count(wire), 127);
    CU_ASSERT_EQUAL(strlen(name_to_text(wire, text)), 127 * 5);
    CU_ASSERT_EQUAL(name_compare(wire, wire), 0);
}

static void wire_names_that_are_cut_or_compressed_are_refused(void)
{
    static const uint8_t cut[] = {3, 'a', 'b', 'c'}, no_root[] = {1, 'a', 1}, pointer[] = {1, 'a', 0xc0, 0},
                         reserved[] = {0x40, 0};
    CU_ASSERT_EQUAL(name_check(cut, sizeof cut), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_check(cut, 2), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_check(cut, 0), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_check(no_root, sizeof no_root), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_check(pointer, sizeof pointer), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_check(reserved, sizeof reserved), ERR_MALFORMED);
    uint8_t large[300];
    memset(large, 1, sizeof large);
    large[256] = 0;
    CU_ASSERT_EQUAL(name_check(large, sizeof large), ERR_MALFORMED);
}

static void comparison_has_no_regard_to_case(void)
{
    CU_ASSERT_TRUE(name_equal(name("WEB.Default.svc."), name("web.dEFAULT.SVC.")));
    CU_ASSERT_FALSE(name_equal(name("web."), name("wea.")));
    CU_ASSERT_FALSE(name_equal(name("a.b."), name("a.b.c.")));
    CU_ASSERT_FALSE(name_equal(name("a.b.c."), name("a.b.")));
    CU_ASSERT_FALSE(name_equal(name("["), name("{")));         /* 0x5b and 0x7b are no letters */
    CU_ASSERT_FALSE(name_equal(name("\\192"), name("\\224"))); /* nor are these, beyond ASCII */
    uint8_t out[NAME_MAX_LEN];
    const uint8_t *n = name("ABCXYZ@[`az{.\\193\\218longer-LABEL.LOCAL.");
    CU_ASSERT_EQUAL(name_lower(out, n), name_len(n));
    CU_ASSERT_EQUAL(memcmp(out, name("abcxyz@[`az{.\\193\\218longer-label.local."), name_len(n)), 0);
}

static void names_sort_in_canonical_order(void)
{
    /* RFC 4034 section 6.1's own example, with the root before it */
    static const char *const sorted[] = {".",
                                         "example.",
                                         "a.example.",
                                         "yljkjljk.a.example.",
                                         "Z.a.example.",
                                         "zABC.a.EXAMPLE.",
                                         "z.example.",
                                         "\\001.z.example.",
                                         "*.z.example.",
                                         "\\200.z.example."};
    size_t count = sizeof sorted / sizeof sorted[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int diff = name_compare(name(sorted[i]), name(sorted[j]));
            CU_ASSERT_TRUE(i < j ? diff < 0 : i > j ? diff > 0 : diff == 0);
        }
    }
}

static void a_name_is_in_its_suffixes_only(void)
{
    CU_ASSERT_TRUE(name_in(name("a.b.c."), name("B.C.")));
    CU_ASSERT_TRUE(name_in(name("b.c."), name("b.c.")));
    CU_ASSERT_TRUE(name_in(name("b.c."), name(".")));
    CU_ASSERT_FALSE(name_in(name("c."), name("b.c.")));
    CU_ASSERT_FALSE(name_in(name("xb.c."), name("b.c.")));
    CU_ASSERT_FALSE(name_in(name("x\\.b.c."), name("b.c."))); /* a dot within a label is no boundary */
}

/* As the words say it, label by label. */
static bool plainly_equal(const uint8_t *a, const uint8_t *b)
{
    for (; *a == *b && *a != 0; a += *a + 1, b += *b + 1)
        for (unsigned i = 1; i <= *a; i++)
            if (tolower(a[i]) != tolower(b[i]))
                return false;
    return *a == *b;
}

static bool plainly_in(const uint8_t *n, const uint8_t *apex)
{
    for (; *n != 0; n += *n + 1)
        if (plainly_equal(n, apex))
            return true;
    return *apex == 0;
}

/* A name of few different labels, so that many are equal or nearly so; its memory is of its own length. */
static uint8_t *some_name(unsigned *seed)
{
    static const char *const labels[] = {"\1a",         "\1A",          "\2ab",         "\3svc",
                                         "\7cluster",   "\5local",      "\10CLUSTER",   "\7cluSter",
                                         "\10abcdefgh", "\11abcdefgh@", "\11abcdefgh`", "\3\3svc"};
    uint8_t wire[NAME_MAX_LEN];
    size_t len = 0;
    for (unsigned n = (*seed = *seed * 1103515245 + 12345) >> 16 & 3; n > 0; n--) {
        const char *label = labels[((*seed = *seed * 1103515245 + 12345) >> 16) % 12];
        wire[len] = (uint8_t)strlen(label + 1);
        memcpy(wire + len + 1, label + 1, wire[len]);
        len += 1u + wire[len];
    }
    wire[len++] = 0;
    uint8_t *out = malloc(len);
    memcpy(out, wire, len);
    return out;
}

static void comparing_many_octets_at_once_is_comparing_each(void)
{
    unsigned seed = 1;
    for (int i = 0; i < 200000; i++) {
        uint8_t *a = some_name(&seed), *b = some_name(&seed);
        CU_ASSERT_EQUAL_FATAL(name_equal(a, b), plainly_equal(a, b));
        CU_ASSERT_EQUAL_FATAL(name_in(a, b), plainly_in(a, b));
        free(a);
        free(b);
    }
}

static void hashes_differ_where_names_differ(void)
{
    char text[64];
    uint64_t seen[256];
    for (unsigned i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "10-244-0-%u.web.default.svc.cluster.local.", i);
        const uint8_t *n = name(text);
        seen[i] = name_hash(n, name_len(n));
        for (unsigned j = 0; j < i; j++)
            CU_ASSERT_NOT_EQUAL(seen[i], seen[j]);
    }
    const uint8_t *n = name("a.");
    CU_ASSERT_EQUAL(name_hash(n, 3), name_hash(name("a."), 3));
}

/* Zones are tries by six bits of the hash after the other, from the lowest on. */
static void hashes_spread_the_names_of_a_cluster_evenly(void)
{
    static const char *const forms[][3] = {{"web-", ".team-", ".svc.cluster.local."},
                                           {"", ".", ".96.10.in-addr.arpa."},
                                           {"10-244-", "-", ".db.shop.svc.cluster.local."},
                                           {"p", ".s", "."}};
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        unsigned slots[4][64] = {0};
        for (unsigned i = 0; i < 64 * 64; i++) {
            char text[64];
            snprintf(text, sizeof text, "%s%u%s%u%s", forms[f][0], i / 64, forms[f][1], i % 64, forms[f][2]);
            const uint8_t *n = name(text);
            uint64_t hash = name_hash(n, name_len(n));
            for (unsigned level = 0; level < 4; level++)
                slots[level][hash >> (level * 6) & 63]++;
        }
        for (unsigned i = 0; i < 4 * 64; i++) /* 64 each, more or less 8 */
            CU_ASSERT(slots[i / 64][i % 64] > 24 && slots[i / 64][i % 64] < 104);
    }
}

static void lower_case_and_hash_are_made_in_one_pass(void)
{
    static const unsigned char letters[] = "@AZ[`az{_-09\200\255MmQ"; /* what stands beside them too */
    for (unsigned len = 0; len <= 250; len++) {
        uint8_t n[NAME_MAX_LEN], expected[NAME_MAX_LEN], out[NAME_MAX_LEN + 1];
        size_t at = 0;
        while (at < len) {
            unsigned label = len - at - 1 < 11 ? (unsigned)(len - at - 1) : 11;
            if (label == 0)
                break;
            n[at++] = (uint8_t)label;
            for (; label > 0; label--, at++)
                n[at] = at % 5 == 0 ? (uint8_t)(at * 7 + len) : letters[(at + len) % (sizeof letters - 1)];
        }
        n[at++] = 0;
        out[at] = 0x55;
        name_lower(expected, n);
        CU_ASSERT_EQUAL(name_lower_hash(out, n, at), name_hash(expected, at));
        CU_ASSERT_EQUAL(memcmp(out, expected, at), 0);
        CU_ASSERT_EQUAL(out[at], 0x55);
    }
}

static void compressed_names_are_unpacked(void)
{
    /* 12 octets of header, cluster.local. at 12, web -> 12 at 27, a -> 27 at 33 */
    static const uint8_t message[] = "............\7cluster\5local\0\3web\xc0\x0c\1a\xc0\x1b\xc0\x21";
    uint8_t out[NAME_MAX_LEN];
    size_t len = sizeof message - 1;
    CU_ASSERT_EQUAL(name_unpack(message, len, 12, out), 15);
    CU_ASSERT_TRUE(name_equal(out, name("cluster.local.")));
    CU_ASSERT_EQUAL(name_unpack(message, len, 27, out), 6);
    CU_ASSERT_TRUE(name_equal(out, name("web.cluster.local.")));
    CU_ASSERT_EQUAL(name_unpack(message, len, 33, out), 4);
    CU_ASSERT_TRUE(name_equal(out, name("a.web.cluster.local.")));
    CU_ASSERT_EQUAL(name_unpack(message, len, 37, out), 2);
    CU_ASSERT_TRUE(name_equal(out, name("a.web.cluster.local.")));
    CU_ASSERT_EQUAL(name_unpack(message, len - 1, 37, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_unpack(message, 30, 27, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_unpack(message, len, len, out), ERR_MALFORMED);
}

static void compression_loops_and_forward_pointers_are_refused(void)
{
    uint8_t out[NAME_MAX_LEN];
    static const uint8_t self[] = {0xc0, 0}, forward[] = {0xc0, 2, 1, 'a', 0}, loop[] = {1, 'a', 0xc0, 0},
                         pair[] = {0xc0, 2, 0xc0, 0}, reserved[] = {0x80, 0};
    CU_ASSERT_EQUAL(name_unpack(self, sizeof self, 0, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_unpack(forward, sizeof forward, 0, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_unpack(loop, sizeof loop, 0, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_unpack(loop, sizeof loop, 2, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_unpack(pair, sizeof pair, 2, out), ERR_MALFORMED);
    CU_ASSERT_EQUAL(name_unpack(reserved, sizeof reserved, 0, out), ERR_MALFORMED);
    /* a chain of pointers that each go back by two: legal one by one, refused as a chain */
    uint8_t chain[1002] = {0, 0};
    for (size_t at = 2; at + 2 <= sizeof chain; at += 2) {
        chain[at] = (uint8_t)(0xc0 | (at - 2) >> 8);
        chain[at + 1] = (uint8_t)(at - 2);
    }
    CU_ASSERT_EQUAL(name_unpack(chain, sizeof chain, 20, out), 2);
    CU_ASSERT_EQUAL(name_unpack(chain, sizeof chain, 1000, out), ERR_MALFORMED);
}

static void a_name_longer_than_255_octets_by_compression_is_refused(void)
{
    uint8_t message[400], out[NAME_MAX_LEN];
    memset(message, 'x', sizeof message);
    for (size_t at = 0; at < 192; at += 64)
        message[at] = 63;
    message[192] = 0; /* 193 octets so far */
    message[200] = 61;
    message[262] = 0xc0;
    message[263] = 0;
    CU_ASSERT_EQUAL(name_unpack(message, sizeof message, 200, out), 64);
    CU_ASSERT_EQUAL(name_len(out), 255);
    message[200] = 62;
    message[263] = 0xc0;
    message[264] = 0;
    CU_ASSERT_EQUAL(name_unpack(message, sizeof message, 200, out), ERR_MALFORMED);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"text and wire form stand for each other", text_and_wire_form_stand_for_each_other},
        {"reading many octets at once is reading each", reading_many_octets_at_once_is_reading_each},
        {"malformed text is refused", malformed_text_is_refused},
        {"labels have at most 63 octets and names 255", labels_have_at_most_63_octets_and_names_255},
        {"the longest text fits its buffer", the_longest_text_fits_its_buffer},
        {"wire names that are cut or compressed are refused",
         wire_names_that_are_cut_or_compressed_are_refused},
        {"comparison has no regard to case", comparison_has_no_regard_to_case},
        {"names sort in canonical order", names_sort_in_canonical_order},
        {"a name is in its suffixes only", a_name_is_in_its_suffixes_only},
        {"comparing many octets at once is comparing each", comparing_many_octets_at_once_is_comparing_each},
        {"hashes differ where names differ", hashes_differ_where_names_differ},
        {"lower case and hash are made in one pass", lower_case_and_hash_are_made_in_one_pass},
        {"hashes spread the names of a cluster evenly", hashes_spread_the_names_of_a_cluster_evenly},
        {"compressed names are unpacked", compressed_names_are_unpacked},
        {"compression loops and forward pointers are refused",
         compression_loops_and_forward_pointers_are_refused},
        {"a name longer than 255 octets by compression is refused",
         a_name_longer_than_255_octets_by_compression_is_refused},
    };
    return run_suite("dns/name", tests, sizeof tests / sizeof tests[0]);
}
