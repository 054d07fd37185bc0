/* Requests through the chain, in a real worker without sockets. */
#include "serve/chain.h"

#include "../runner.h"
#include "base/rcu.h"
#include "fake_plugins.h"
#include "serve/worker_p.h"
#include "serve/workers.h"

static struct config *config;

/* What came of a request. */
static struct {
    unsigned done;
    bool dropped;
    uint16_t rcode, flags;
    uint8_t stage;
    bool routed;
} seen;

static void note_done(struct request *r)
{
    seen.done++;
    seen.dropped = r->reply == NULL;
    seen.routed = r->route != NULL;
    seen.stage = r->stage;
    if (r->reply != NULL) {
        seen.rcode = r->reply->rcode;
        seen.flags = r->reply->flags;
    }
}

struct asking {
    const char *name;
    uint16_t qclass;
    bool garbage;
};

/* In the worker: a question as a socket would bring it. */
static int begin(struct worker *w, void *ctx)
{
    const struct asking *a = ctx;
    uint8_t name[NAME_MAX_LEN], packet[512];
    struct query q;
    struct request *r = request_new(w);
    if (r == NULL)
        return ERR_LIMIT;
    name_from_text(a->name, strlen(a->name), name);
    query_make(&q, name, RR_A);
    q.qclass = a->qclass;
    int len = query_write(&q, packet, sizeof packet);
    r->transport = TRANSPORT_UDP;
    r->done = note_done;
    request_serve(r, &config->listeners[0], packet, a->garbage ? 13 : (size_t)len);
    return ERR_OK;
}

static void ask_class(const char *name, uint16_t qclass)
{
    struct asking a = {.name = name, .qclass = qclass};
    fake_trace[0] = '\0';
    memset(&seen, 0, sizeof seen);
    CU_ASSERT_EQUAL(workers_call(begin, &a), ERR_OK);
}

static void ask(const char *name)
{
    ask_class(name, CLASS_IN);
}

static int resume(struct worker *w, void *ctx)
{
    (void)w;
    struct request *r = fake_waiting;
    fake_waiting = NULL;
    if (*(int *)ctx == VERDICT_ANSWERED)
        request_reply(r)->rcode = RCODE_NXDOMAIN;
    request_resume(r, *(int *)ctx);
    return ERR_OK;
}

static int nothing(struct worker *w, void *ctx)
{
    (void)w, (void)ctx;
    return ERR_OK;
}

static int prepare(struct worker *w, void *ctx)
{
    struct errtext e = {0};
    return worker_prepare(w, ctx, &e);
}

static int adopt(struct worker *w, void *ctx)
{
    worker_adopt(w, ctx);
    return ERR_OK;
}

static int abandon(struct worker *w, void *ctx)
{
    worker_abandon(w, ctx);
    return ERR_OK;
}

static int retire(struct worker *w, void *ctx)
{
    (void)ctx;
    worker_retire_present(w);
    return ERR_OK;
}

/* Brings a Corefile into force, as server.c does. */
static void use(const char *text)
{
    struct config *fresh = NULL;
    struct errtext e;
    CU_ASSERT_EQUAL_FATAL(fake_config(text, &fresh, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(workers_call(prepare, fresh), ERR_OK);
    workers_call(adopt, fresh);
    config_unref(config);
    config = fresh;
}

#define ALL "test {\n upper\n middle\n lower\n}\n"

/* ---- tests ---- */

static void a_query_walks_down_and_its_answer_up(void)
{
    use(ALL);
    ask("middle.test.");
    CU_ASSERT_STRING_EQUAL(fake_trace, "query upper; query middle; answer upper; ");
    CU_ASSERT_EQUAL(seen.rcode, RCODE_NOERROR);
    CU_ASSERT_EQUAL(seen.stage, 1);
    ask("upper.test.");
    CU_ASSERT_STRING_EQUAL(fake_trace, "query upper; ");
    ask("lower.test.");
    CU_ASSERT_STRING_EQUAL(fake_trace,
                           "query upper; query middle; query lower; answer middle; answer upper; ");
    CU_ASSERT_EQUAL(seen.done, 1);
}

static void a_question_that_nobody_answers_is_servfail_and_all_see_it(void)
{
    ask("nobody.test.");
    CU_ASSERT_STRING_EQUAL(fake_trace, "query upper; query middle; query lower; answer lower; answer middle; "
                                       "answer upper; ");
    CU_ASSERT_EQUAL(seen.rcode, RCODE_SERVFAIL);
    CU_ASSERT_EQUAL(seen.stage, 3); /* of nobody */
}

static void what_no_block_takes_is_refused_and_no_stage_sees_it(void)
{
    ask("other.");
    CU_ASSERT_STRING_EQUAL(fake_trace, "");
    CU_ASSERT_EQUAL(seen.rcode, RCODE_REFUSED);
    CU_ASSERT_FALSE(seen.routed);
    ask_class("upper.test.", CLASS_CH);
    CU_ASSERT_EQUAL(seen.rcode, RCODE_REFUSED);
    use("test {\n silent\n}\n");
    ask("upper.test.");
    CU_ASSERT_EQUAL(seen.rcode, RCODE_REFUSED);
    use(ALL);
}

static void what_cannot_be_read_never_reaches_the_chain(void)
{
    struct asking a = {.name = "upper.test.", .qclass = CLASS_IN, .garbage = true};
    fake_trace[0] = '\0';
    memset(&seen, 0, sizeof seen);
    CU_ASSERT_EQUAL(workers_call(begin, &a), ERR_OK);
    CU_ASSERT_STRING_EQUAL(fake_trace, "");
    CU_ASSERT_EQUAL(seen.done, 1);
    CU_ASSERT_EQUAL(seen.rcode, RCODE_FORMERR);
}

static void a_dropped_question_has_no_answer_but_an_end(void)
{
    ask("drop-middle.test.");
    CU_ASSERT_STRING_EQUAL(fake_trace, "query upper; query middle; ");
    CU_ASSERT_EQUAL(seen.done, 1);
    CU_ASSERT_TRUE(seen.dropped);
}

static void a_question_that_waits_goes_on_as_its_stage_says(void)
{
    static const struct {
        int verdict;
        const char *trace;
        bool dropped;
        uint16_t rcode;
    } cases[] = {
        {VERDICT_ANSWERED, "answer upper; ", false, RCODE_NXDOMAIN},
        {VERDICT_NEXT, "query lower; answer lower; answer middle; answer upper; ", false, RCODE_SERVFAIL},
        {VERDICT_DROP, "", true, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (unsigned again = 0; again < 2; again++) {
            ask("wait-middle.test.");
            CU_ASSERT_EQUAL(seen.done, 0);
            CU_ASSERT_STRING_EQUAL(fake_trace, "query upper; query middle; ");
            struct request *r = fake_waiting;
            CU_ASSERT_PTR_NOT_NULL_FATAL(r);
            CU_ASSERT_PTR_NULL(r->reply); /* the scratch memory is somebody else's meanwhile */
            fake_trace[0] = '\0';
            int pending = VERDICT_PENDING;
            if (again) { /* it may have to wait once more */
                CU_ASSERT_EQUAL(workers_call(resume, &pending), ERR_OK);
                CU_ASSERT_EQUAL(seen.done, 0);
                fake_waiting = r;
            }
            int verdict = cases[i].verdict;
            CU_ASSERT_EQUAL(workers_call(resume, &verdict), ERR_OK);
            CU_ASSERT_STRING_EQUAL(fake_trace, cases[i].trace);
            CU_ASSERT_EQUAL(seen.done, 1);
            CU_ASSERT_EQUAL(seen.dropped, cases[i].dropped);
            CU_ASSERT_EQUAL(seen.rcode, cases[i].rcode);
        }
}

static void an_answer_that_is_held_goes_up_from_there(void)
{
    static const struct {
        const char *name, *before, *after;
    } cases[] = {
        {"hold-middle.test.", "query upper; query middle; query lower; answer middle; ", "answer upper; "},
        {"hold-upper.test.", "query upper; query middle; query lower; answer middle; answer upper; ", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int verdict = VERDICT_ANSWERED;
        ask(cases[i].name);
        CU_ASSERT_EQUAL(seen.done, 0);
        CU_ASSERT_STRING_EQUAL(fake_trace, cases[i].before);
        CU_ASSERT_PTR_NOT_NULL_FATAL(fake_waiting);
        CU_ASSERT_PTR_NULL(fake_waiting->reply);
        fake_trace[0] = '\0';
        CU_ASSERT_EQUAL(workers_call(resume, &verdict), ERR_OK);
        CU_ASSERT_STRING_EQUAL(fake_trace, cases[i].after);
        CU_ASSERT_EQUAL(seen.done, 1);
        CU_ASSERT_EQUAL(seen.stage, 2); /* who answered is still known */
        CU_ASSERT_EQUAL(seen.rcode, RCODE_NXDOMAIN);
    }
}

static void the_server_asks_itself_from_the_event_loop(void)
{
    ask("ask-self.test.");
    for (unsigned i = 0; i < 10 && seen.done == 0; i++)
        workers_call(nothing, NULL);
    CU_ASSERT_STRING_EQUAL(
        fake_trace, "query upper; query middle; query lower; "                              /* the question */
                    "query upper; query middle; query lower; answer middle; answer upper; " /* the server's */
                    "answer middle; answer upper; ");
    CU_ASSERT_EQUAL(seen.done, 1);
    CU_ASSERT_EQUAL(seen.rcode, RCODE_NOERROR);
}

static void a_stage_asks_those_below_it_and_nobody_above_hears_of_it(void)
{
    ask("ask-below.test.");
    for (unsigned i = 0; i < 10 && seen.done == 0; i++)
        workers_call(nothing, NULL);
    CU_ASSERT_STRING_EQUAL(fake_trace, "query upper; query middle; query lower; answer middle; ");
    CU_ASSERT_EQUAL(seen.done, 1);
    CU_ASSERT_EQUAL(seen.rcode, RCODE_NOERROR);
    CU_ASSERT_EQUAL(seen.stage, 0);
    CU_ASSERT_EQUAL(fake_get(&fake_notes), 0); /* notes end with their request */
}

/* A question of a given depth asks the server. */
static int ask_from_depth(struct worker *w, void *ctx)
{
    static const uint8_t name[] = "\5lower\4test";
    struct request *r = request_new(w);
    r->config = w->present->config;
    r->route = &config->routes[0];
    r->depth = *(uint8_t *)ctx;
    int ret = request_ask_self(r, name, RR_A, note_done, NULL);
    request_release(r);
    return ret;
}

static void the_server_asks_itself_only_so_deep(void)
{
    for (uint8_t depth = 0; depth < REQUEST_DEPTH_MAX; depth++) {
        memset(&seen, 0, sizeof seen);
        int ret = workers_call(ask_from_depth, &depth);
        CU_ASSERT_EQUAL(ret, depth + 1 < REQUEST_DEPTH_MAX ? ERR_OK : ERR_LIMIT);
        workers_call(nothing, NULL);
        workers_call(nothing, NULL);
        CU_ASSERT_EQUAL(seen.done, ret == ERR_OK);
    }
}

static int count_requests(struct worker *w, void *ctx)
{
    unsigned *n = ctx;
    for (*n = 0; *n <= WORKER_REQUESTS_MAX; ++*n) {
        struct request *r = request_new(w);
        if (r == NULL)
            break;
        r->waiting = fake_waiting; /* chained, to be given back */
        fake_waiting = r;
    }
    while (fake_waiting != NULL) {
        struct request *r = fake_waiting;
        fake_waiting = r->waiting;
        request_release(r);
    }
    return ERR_OK;
}

static void there_is_an_end_to_requests_under_way(void)
{
    unsigned n = 0;
    workers_call(count_requests, &n);
    CU_ASSERT_EQUAL(n, WORKER_REQUESTS_MAX);
    workers_call(count_requests, &n); /* and all of them were given back */
    CU_ASSERT_EQUAL(n, WORKER_REQUESTS_MAX);
    ask("upper.test.");
    CU_ASSERT_EQUAL(seen.done, 1);
}

/* ---- configurations come and go ---- */

static int resume_and_look(struct worker *w, void *ctx)
{
    int answered = VERDICT_ANSWERED, before = fake_get(&fake_worker_stops);
    resume(w, &answered);
    *(int *)ctx = fake_get(&fake_worker_stops) - before; /* seen from inside of a stage */
    return ERR_OK;
}

static void a_question_that_waits_keeps_its_configuration(void)
{
    use(ALL);
    workers_call(nothing, NULL);
    ask("wait-lower.test.");
    fake_worker_stops = fake_frees = 0;
    use("test {\n upper\n}\n");
    ask("upper.test.");
    CU_ASSERT_EQUAL(seen.rcode, RCODE_NOERROR);
    CU_ASSERT_EQUAL(fake_get(&fake_worker_stops), 0);
    CU_ASSERT_EQUAL(fake_get(&fake_frees), 0);
    int stopped_inside = -1;
    workers_call(resume_and_look, &stopped_inside);
    CU_ASSERT_EQUAL(stopped_inside, 0); /* its stages are still on the stack there */
    CU_ASSERT_EQUAL(seen.rcode, RCODE_NXDOMAIN);
    for (unsigned i = 0; i < 100 && fake_get(&fake_frees) < 3; i++)
        workers_call(nothing, NULL);
    CU_ASSERT_EQUAL(fake_get(&fake_worker_stops), 3);
    CU_ASSERT_EQUAL(fake_get(&fake_frees), 3);
}

static void a_configuration_without_questions_goes_at_once(void)
{
    use(ALL);
    fake_worker_stops = fake_frees = 0;
    use(ALL);
    CU_ASSERT_EQUAL(fake_get(&fake_worker_stops), 3);
    CU_ASSERT_EQUAL(fake_get(&fake_frees), 3);
}

static void a_configuration_that_a_worker_cannot_start_is_undone(void)
{
    struct config *fresh = NULL;
    struct errtext e;
    fake_worker_starts = fake_worker_stops = fake_frees = 0;
    CU_ASSERT_EQUAL_FATAL(fake_config("test {\n upper\n lower noworker\n}\n", &fresh, &e), ERR_OK);
    CU_ASSERT_EQUAL(workers_call(prepare, fresh), ERR_LIMIT);
    workers_call(abandon, fresh);
    CU_ASSERT_EQUAL(fake_get(&fake_worker_starts), 1);
    CU_ASSERT_EQUAL(fake_get(&fake_worker_stops), 1);
    config_unref(fresh);
    CU_ASSERT_EQUAL(fake_get(&fake_frees), 2);
    ask("upper.test."); /* the present one goes on */
    CU_ASSERT_EQUAL(seen.rcode, RCODE_NOERROR);
}

static void at_the_end_everything_has_been_given_back(void)
{
    workers_call(retire, NULL);
    config_unref(config);
    config = NULL;
    CU_ASSERT_EQUAL(fake_get(&fake_live), 0);
}

static const struct unit_test tests[] = {
    {"a query walks down and its answer up", a_query_walks_down_and_its_answer_up},
    {"a question that nobody answers is SERVFAIL, and all see it",
     a_question_that_nobody_answers_is_servfail_and_all_see_it},
    {"what no block takes is refused, and no stage sees it",
     what_no_block_takes_is_refused_and_no_stage_sees_it},
    {"what cannot be read never reaches the chain", what_cannot_be_read_never_reaches_the_chain},
    {"a dropped question has no answer but an end", a_dropped_question_has_no_answer_but_an_end},
    {"a question that waits goes on as its stage says", a_question_that_waits_goes_on_as_its_stage_says},
    {"an answer that is held goes up from there", an_answer_that_is_held_goes_up_from_there},
    {"the server asks itself from the event loop", the_server_asks_itself_from_the_event_loop},
    {"a stage asks those below it, and nobody above hears of it",
     a_stage_asks_those_below_it_and_nobody_above_hears_of_it},
    {"the server asks itself only so deep", the_server_asks_itself_only_so_deep},
    {"there is an end to requests under way", there_is_an_end_to_requests_under_way},
    {"a question that waits keeps its configuration", a_question_that_waits_keeps_its_configuration},
    {"a configuration without questions goes at once", a_configuration_without_questions_goes_at_once},
    {"a configuration that a worker cannot start is undone",
     a_configuration_that_a_worker_cannot_start_is_undone},
    {"at the end everything has been given back", at_the_end_everything_has_been_given_back},
};

int main(void)
{
    struct errtext e = {0};
    if (workers_start(1, &e) != ERR_OK)
        return 2;
    int status = run_suite("chain", tests, sizeof tests / sizeof tests[0]);
    workers_stop();
    return status;
}
