/*
 * How fast an upstream answers, and how often it may be asked. Kept in the upstream itself, so that all
 * workers and all directives that use it know the same. Any thread: each number is read and written whole,
 * and of two changes at the same instant one may be lost, which does no harm to an average.
 */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_TIMING_H
#define SEAMARK_UPSTREAM_UPSTREAM_TIMING_H

#include "upstream/upstream.h"

/* It has answered a question after so long. */
void upstream_timing_answered(struct upstream *u, uint64_t ns);
/* It has not answered one for so long, and is not waited for any more. */
void upstream_timing_unanswered(struct upstream *u, uint64_t ns);

/* Smoothed time of an answer, microseconds; 0: not known yet. An eighth of it is the newest (RFC 6298's
 * weight), or up to half where answers are rare. */
uint32_t upstream_timing_mean_us(const struct upstream *u);
/* The time that 19 of 20 answers come within, as far as it has been learnt; 0: not known yet. */
uint32_t upstream_timing_p95_us(const struct upstream *u);

/* The budget of max_qps: `qps` questions in any second, smoothed: a fiftieth of them may come at once, the
 * others evenly (the generic cell rate algorithm, ITU-T I.371). When the next question may be put: `now` or
 * later. */
uint64_t upstream_budget_at(const struct upstream *u, uint32_t qps, uint64_t now_ns);
/* Takes the place of one question, which may be put at the time returned, not after `latest_ns`; 0: there is
 * none that early, and nothing is taken. */
uint64_t upstream_budget_take(struct upstream *u, uint32_t qps, uint64_t now_ns, uint64_t latest_ns);

#endif
