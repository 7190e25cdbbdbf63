// Routers: who chooses a model server for each call.
#ifndef LEASTWISE_TESTS_SIM_INFERENCE_ROUTER_H_
#define LEASTWISE_TESTS_SIM_INFERENCE_ROUTER_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/inference/server.h"

namespace leastwise::sim {

class Router {
 public:
  virtual ~Router() = default;
  virtual std::size_t pick(const Call& call, double now) = 0;
  virtual void first_token(const Call&, double /*now*/) {}
  virtual void ended(const Call&, double /*now*/) {}
  // Ten times a second.
  virtual void tick(double /*now*/) {}
  // What is scraped from servers, every 50 ms.
  virtual void scrape(std::span<const ModelServer>) {}
};

// "inference", "least_conn" and other policies of the core; "round_robin", "session_hash", "chwbl",
// "sglang", "aibrix", "epp", "least_pending". `says_usage`: servers tell how much they had cached.
std::unique_ptr<Router> make_router(std::string_view name, std::size_t servers, std::uint64_t seed,
                                    bool says_usage);
std::unique_ptr<Router> make_core_router(std::string_view policy, std::size_t servers,
                                         std::uint64_t seed, bool says_usage);
std::vector<std::string_view> rivals();

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_INFERENCE_ROUTER_H_
