/* The metrics that every Prometheus client library shows of its process (process_*), from /proc. Control
 * thread. */
#ifndef SEAMARK_METRICS_PROCESS_METRICS_H
#define SEAMARK_METRICS_PROCESS_METRICS_H

/* Reads them anew; registers them at the first call. What cannot be read keeps its last value. */
void process_metrics_update(void);

#endif
