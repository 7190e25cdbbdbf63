// Baselines: what others do, and what one could do who knew everything.
#ifndef LEASTWISE_TESTS_SIM_POLICIES_BASELINES_H_
#define LEASTWISE_TESTS_SIM_POLICIES_BASELINES_H_

#include <memory>

#include "engine/balancer.h"

namespace leastwise::sim {

// Fewest in flight; of all servers, or of two random ones.
std::unique_ptr<Balancer> make_plain_least_conn(const World& world, std::uint64_t seed);
std::unique_ptr<Balancer> make_plain_two_choices(const World& world, std::uint64_t seed);

// nginx 1.31.5: average response time, rounded up to 20 ms, × (in flight + 1).
std::unique_ptr<Balancer> make_nginx_least_time(const World& world, std::uint64_t seed);

// Finagle's peak EWMA × (in flight + 1), over all servers instead of two.
std::unique_ptr<Balancer> make_peak_ewma_full(const World& world, std::uint64_t seed);

// C3 (Suresh, Canini, Schmid, Feldmann 2015), without its rate control. Servers report
// queue and service time with each answer.
std::unique_ptr<Balancer> make_c3(const World& world, std::uint64_t seed);

// Greedy with true speeds and queue lengths, or with the true sizes as well: a reference,
// not a bound.
std::unique_ptr<Balancer> make_oracle_jsq(const World& world, std::uint64_t seed);
std::unique_ptr<Balancer> make_oracle_lwl(const World& world, std::uint64_t seed);

// Rendezvous hash of the prefix with bounded load (Mirrokni, Thorup, Zadimoghaddam 2018).
std::unique_ptr<Balancer> make_bounded_hash(const World& world, std::uint64_t seed);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_POLICIES_BASELINES_H_
