#include "serve/search_walk.h"

#include <string.h>

#include "../runner.h"
#include "dns/rr.h"

/* What a name has: nothing, no data, A, AAAA, both, or an error. */
enum thing { NOTHING = '-', EMPTY = '0', FOUR = '4', SIX = '6', BOTH = 'b', ERROR = '!' };

static enum search_outcome ask(char thing, uint16_t qtype)
{
    if (thing == NOTHING)
        return SEARCH_NO_NAME;
    if (thing == ERROR)
        return SEARCH_ERROR;
    bool has = thing == BOTH || (thing == FOUR && qtype == RR_A) || (thing == SIX && qtype == RR_AAAA);
    return has ? SEARCH_DATA : SEARCH_NO_DATA;
}

/* Walks through candidates that have these things: what is asked, as "0A 1A 1AAAA", then what becomes of it.
 */
static const char *walk(const char *things, uint16_t qtype)
{
    static char trace[512];
    struct search_walk w;
    search_begin(&w, qtype, (unsigned)strlen(things));
    enum search_step step = SEARCH_ASK;
    trace[0] = '\0';
    for (unsigned i = 0; i < 100 && (step == SEARCH_ASK || step == SEARCH_ASK_OTHER); i++) {
        uint16_t type = step == SEARCH_ASK ? qtype : search_other_type(qtype);
        char text[16];
        CU_ASSERT_FATAL(w.at < strlen(things));
        snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%u%s ", w.at,
                 rrtype_to_text(type, text));
        step = search_next(&w, ask(things[w.at], type));
    }
    char last[32] = "pass";
    if (step == SEARCH_TAKE)
        snprintf(last, sizeof last, "take %u", w.at);
    else if (w.nodata >= 0)
        snprintf(last, sizeof last, "pass, no data");
    strcat(trace, last);
    return trace;
}

static void test_steps(void)
{
    static const struct {
        const char *things;
        uint16_t qtype;
        const char *trace;
    } cases[] = {
        {"4", RR_A, "0A take 0"},
        {"---4", RR_A, "0A 1A 2A 3A take 3"},
        {"---4", RR_AAAA, "0AAAA 1AAAA 2AAAA 3AAAA take 3"}, /* the last one's denial is at hand */
        {"----", RR_A, "0A 1A 2A 3A pass"},
        {"4---", RR_AAAA, "0AAAA 0A pass, no data"},
        {"-4--", RR_AAAA, "0AAAA 1AAAA 1A 1AAAA take 1"},
        {"-0-6", RR_AAAA, "0AAAA 1AAAA 1A 2AAAA 3AAAA take 3"},
        {"-0-4", RR_AAAA, "0AAAA 1AAAA 1A 2AAAA 3AAAA take 3"},
        {"-0-0-", RR_AAAA, "0AAAA 1AAAA 1A 2AAAA 3AAAA 3A 4AAAA 1AAAA take 1"},
        {"00--", RR_A, "0A 0AAAA 1A 1AAAA 2A 3A pass, no data"},
        {"-!4", RR_A, "0A 1A take 1"},
        {"-0!4", RR_A, "0A 1A 1AAAA 2A 1A take 1"}, /* glibc says no data then, and not that it failed */
        {"0!", RR_A, "0A 0AAAA 1A pass, no data"},
        {"-04", RR_MX, "0MX 1MX 2MX take 2"}, /* other types have no other family */
        {"-0-", RR_MX, "0MX 1MX 2MX 1MX take 1"},
        {"0-", RR_TXT, "0TXT 1TXT pass, no data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_STRING_EQUAL(walk(cases[i].things, cases[i].qtype), cases[i].trace);
}

/* Where glibc's search for both families ends: the first candidate with data of either. An error is left to
 * the client. */
static int first_with_data(const char *things)
{
    size_t at = strcspn(things, "46b!");
    return things[at] == '\0' || things[at] == '!' ? -1 : (int)at;
}

/* Where a walk ended with data: the candidate; -1 with a denial. */
static int ended_with_data(const char *things, uint16_t qtype)
{
    int at;
    const char *last = strstr(walk(things, qtype), "take ");
    return last != NULL && sscanf(last, "take %d", &at) == 1 && ask(things[at], qtype) == SEARCH_DATA ? at
                                                                                                      : -1;
}

static void test_both_families_end_at_the_same_candidate(void)
{
    static const char kinds[] = "-046b!";
    char things[6] = "";
    for (unsigned n = 0; n < 6 * 6 * 6 * 6 * 6; n++) {
        for (unsigned i = 0, rest = n; i < 5; i++, rest /= 6)
            things[i] = kinds[rest % 6];
        int expected = first_with_data(things);
        for (unsigned t = 0; t < 2; t++) {
            uint16_t qtype = t == 0 ? RR_A : RR_AAAA;
            int at = ended_with_data(things, qtype);
            bool has = expected >= 0 && ask(things[expected], qtype) == SEARCH_DATA;
            CU_ASSERT_EQUAL(at, has ? expected : -1);
        }
    }
}

static enum search_outcome outcome(uint16_t rcode, uint16_t flags, uint16_t answers)
{
    static struct reply r;
    r.rcode = rcode;
    r.flags = flags;
    r.count[SECTION_ANSWER] = answers;
    r.overflow = false;
    return search_outcome_of(&r);
}

static void test_outcomes(void)
{
    CU_ASSERT_EQUAL(search_outcome_of(NULL), SEARCH_NO_NAME);
    CU_ASSERT_EQUAL(outcome(RCODE_NXDOMAIN, FLAG_AA, 0), SEARCH_NO_NAME);
    CU_ASSERT_EQUAL(outcome(RCODE_NXDOMAIN, FLAG_AA, 1), SEARCH_NO_NAME); /* a CNAME that leads to nothing */
    CU_ASSERT_EQUAL(outcome(RCODE_NOERROR, FLAG_AA, 0), SEARCH_NO_DATA);
    CU_ASSERT_EQUAL(outcome(RCODE_NOERROR, FLAG_RA, 0), SEARCH_NO_DATA);
    CU_ASSERT_EQUAL(outcome(RCODE_NOERROR, 0, 0), SEARCH_ERROR);
    CU_ASSERT_EQUAL(outcome(RCODE_NOERROR, FLAG_RA | FLAG_TC, 0), SEARCH_DATA);
    CU_ASSERT_EQUAL(outcome(RCODE_NOERROR, 0, 1), SEARCH_DATA);
    CU_ASSERT_EQUAL(outcome(RCODE_SERVFAIL, FLAG_RA, 0), SEARCH_ERROR);
    CU_ASSERT_EQUAL(outcome(RCODE_REFUSED, 0, 0), SEARCH_ERROR);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"what is asked, and what is taken", test_steps},
        {"A and AAAA end at the first candidate with data of either",
         test_both_families_end_at_the_same_candidate},
        {"what an answer is to a search", test_outcomes},
    };
    return run_suite("search_walk", tests, sizeof tests / sizeof tests[0]);
}
