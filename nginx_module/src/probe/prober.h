// Prober: asks the servers of an upstream that has `leastwise_probe` whether they are well, and
// with `leastwise_report scrape` how full they are, in one worker of all.
//
// Which one is agreed on in the pool's memory (Pool::lead_probes): all workers look every kTurnMs,
// and one has it until it leaves, dies or is stuck. A server's next probe is due an interval after
// its last began, by whomever: who takes over goes on where the last one was. All timers are
// cancelable and the connections are closed at the end, so that no worker stays for a probe.
#ifndef LEASTWISE_NGINX_MODULE_PROBE_PROBER_H_
#define LEASTWISE_NGINX_MODULE_PROBE_PROBER_H_

#include "shared/ngx.h"
#include "shared/upstream.h"

namespace leastwise::nginx {

// For this process's upstreams, which may be none; and the end of it.
void start_probes(const ngx_cycle_t& cycle) noexcept;
void stop_probes() noexcept;

// Whether this nginx can do what `leastwise_probe` says: to be asked when all of it is read. Logs
// what is wrong.
char* check_probe(ngx_conf_t* cf, const Upstream& upstream) noexcept;
// The same of `leastwise_report`.
char* check_scrape(ngx_conf_t* cf, Upstream& upstream) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_PROBE_PROBER_H_
