/*
 * The short way of a query. Nearly all questions in a cluster are for names in its zone, by UDP, and their
 * answers follow from the zone's records, the question, and settings that are known when the configuration is
 * compiled. Such a question is answered here, in place in the buffer in which it came: no request, no reply,
 * no stages, no memory; one read section and two looks at the clock for a whole batch.
 *
 * The chain stays what says how a question is answered. What could be answered otherwise there (a setting
 * that depends on the question, a name that another stage may know, an answer that is too long, a CNAME) is
 * left alone and walks the chain; what is answered has the same code, flags, records, TTLs and counts as
 * there. tests/unit/serve/test_express.c asks both ways and compares.
 *
 *     express_plan.h    what plugins say of it
 *     express_table.h   which names of a listener go this way
 *     express.c         a batch: reading questions, looking names up, counting
 *     express_answer.c  writing an answer
 *     express_kept.c    the same for other names, of what a stage has kept (cache)
 *     express_tell.c    telling of it, where there is a log
 */
#ifndef SEAMARK_SERVE_EXPRESS_H
#define SEAMARK_SERVE_EXPRESS_H

#include "serve/express_table.h"
#include "serve/worker.h"

#define EXPRESS_BATCH 32

/* A datagram and what came of it. */
struct express_datagram {
    uint8_t *packet; /* EXPRESS_ROOM octets */
    uint16_t size;   /* of the question; 0: leave it alone */
    uint16_t answer; /* out: octets of the answer, which is in `packet`; 0: nothing was done */
    const union address *client;
};
#define EXPRESS_ROOM 4096

/* Memory to work in, of one worker. NULL without memory; free with free(). */
struct express_work;
struct express_work *express_work_new(void);

/* Answers what can be answered of at most EXPRESS_BATCH datagrams that came by the listener with table `t`
 * at `received_ns`; returns how many. In a worker's thread, outside of read sections. */
unsigned express_serve(struct express_work *work, const struct express_table *t, struct worker *w,
                       struct express_datagram *d, unsigned count, uint64_t received_ns);

#endif
