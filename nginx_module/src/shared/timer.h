// Timer: the slow half of all pools of a process. Who ticks, how often, and who heals.
//
// What this process uses is due every Pool::kTickPeriod; the rest once in a second, or in five when
// nothing of it is pending (Pool::is_at_rest), by whichever process comes first, a few at a time. A turn that takes too long goes on after the event
// loop has looked at what else there is. A process that is about to end does nothing of it: it
// would do it by an old configuration.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_TIMER_H_
#define LEASTWISE_NGINX_MODULE_SHARED_TIMER_H_

#include "leastwise/pool.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

struct Upstream;

// For this process; once is enough.
void start_timer(ngx_log_t* log) noexcept;

// To be called with each pick and each answer.
void note_use(const Upstream& upstream) noexcept;

// Lets the pool learn once nginx is done with what goes on, when it should not wait for the timer.
// To be called after each answer.
void on_answer(Upstream& upstream) noexcept;

// Shuts down, for a reload or for good.
bool is_leaving() noexcept;

// Gives back what dead processes have in flight.
void heal(Upstream& upstream) noexcept;

std::uint32_t own_pid() noexcept;
// This process, by its pid and when it was started.
const Incarnation& self() noexcept;
// Whether a process runs; a yes may be old by half a second.
bool is_alive(Incarnation who) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_TIMER_H_
