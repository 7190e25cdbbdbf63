// Keeper: who writes an upstream's state file (state_file.h), and when.
//
// Of all workers that have the file, those of an old binary too, one holds its lock. It looks four
// times a second whether an operator changed something, and writes it then, in a thread; what was
// learned every ten seconds, while there is traffic. When it dies the kernel gives the lock back,
// and another one has it at its next look. A worker that shuts down, or has an old configuration,
// leaves it to the others; the last one writes once more at its end. When it is another nginx that
// holds the lock, one worker says so in the log.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_KEEPER_H_
#define LEASTWISE_NGINX_MODULE_SHARED_KEEPER_H_

#include "shared/ngx.h"

namespace leastwise::nginx {

// In each worker, at its start and its end.
void start_keepers(const ngx_cycle_t& cycle) noexcept;
void end_keepers() noexcept;

// In the master, with each configuration; in a process without one, before the memory of the one
// that runs goes.
void settle_keepers() noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_KEEPER_H_
