// Sharing: a thread that tells other balancers, by Redis or Valkey, what this one has in flight,
// and hears what they have. No request waits for it, and without news pools forget the others by
// themselves (core/src/guard/others.h).
//
// Keys, of pool POOL and balancer ID (16 hex digits, drawn at the start); the braces put all of a
// pool in one slot of a cluster:
//   PREFIX:1:{POOL}:who   set of ids; expires a minute after the last word of anybody
//   PREFIX:1:{POOL}:ID    the last report of one (core/sharing/report.h); expires after 5 s
//
// Reports are written ten times a second and read as often as makes kBytesPerSecond at most.
#ifndef LEASTWISE_SPOE_AGENT_SHARE_SHARING_H_
#define LEASTWISE_SPOE_AGENT_SHARE_SHARING_H_

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "serve/counters.h"
#include "serve/log.h"
#include "share/redis.h"
#include "share/shared_pools.h"
#include "sharing/exchange.h"

namespace leastwise::agent {

class Sharing {
 public:
  static constexpr Duration kRetry = std::chrono::milliseconds(500);

  Sharing(SharedPools& pools, ShareCounters& counters, RedisUrl url);

  void run() noexcept;
  // By any thread. A round that is under way ends within a second, unless a name is being resolved.
  void stop() noexcept;
  const Counter& rounds() const noexcept { return rounds_; }
  std::string error() const;  // empty: all is well

 private:
  struct Shared {
    explicit Shared(std::uint64_t life) : exchange(life) {}
    sharing::Exchange exchange;
    TimePoint next_read{};
  };

  void attempt(void (Sharing::*what)()) noexcept;
  void round();
  void leave();
  void connect();
  // How many others are heard of the pool at that place.
  std::uint32_t share(std::size_t place, SharedPools::Look look);
  void exchange(const std::string& name, Shared& shared, const std::string& report);
  void hear(const std::string& name, Shared& shared, const redisReply& who);
  bool note_errors(const std::vector<Redis::Command>& commands,
                   const std::vector<Redis::Reply>& replies);
  void note_trouble(const std::string& error);
  void note_well();
  std::string key(const std::string& pool, std::string_view last) const;

  SharedPools& pools_;
  ShareCounters& counters_;
  const RedisUrl url_;
  Redis redis_;
  const std::uint64_t life_;
  const std::string id_;
  std::map<std::string, Shared> shared_;
  TimePoint now_{};
  TimePoint next_try_{};
  bool has_trouble_ = false;  // this round
  Throttle may_complain_{std::chrono::seconds(60)};
  std::string told_;  // the trouble that the log has; empty when all is well
  Counter rounds_;
  mutable std::mutex mutex_;  // of those below
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::string trouble_ = "not connected yet";
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_SHARING_H_
