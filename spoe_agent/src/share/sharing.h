// Sharing: a thread that tells other balancers, by Redis or Valkey, what this one has in flight,
// and hears what they have. No request waits for it, and without news pools forget the others by
// themselves (core/src/guard/toll.h).
//
// All pools are asked in one round trip (share/pool_talk.h), ten times a second where Redis is
// near.
#ifndef LEASTWISE_SPOE_AGENT_SHARE_SHARING_H_
#define LEASTWISE_SPOE_AGENT_SHARE_SHARING_H_

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "serve/counters.h"
#include "serve/log.h"
#include "share/pool_talk.h"
#include "share/redis.h"
#include "share/shared_pools.h"
#include "share/trouble_news.h"

namespace leastwise::agent {

class Sharing {
 public:
  static constexpr Duration kRetry = std::chrono::milliseconds(500);
  // Without trouble, after which all is well again: what is read is read every second at least.
  static constexpr Duration kQuiet = std::chrono::milliseconds(1500);

  Sharing(SharedPools& pools, ShareCounters& counters, RedisUrl url, ShareTls tls);

  void run() noexcept;
  // By any thread. A round that is under way ends within five seconds, unless a name is
  // being resolved; within one where Redis answers at once or not at all.
  void stop() noexcept;
  const Counter& rounds() const noexcept { return rounds_; }
  std::string error() const;  // empty: all is well

 private:
  void attempt(void (Sharing::*what)()) noexcept;
  void round();
  void leave();
  void connect();
  // Of each look its talk.
  std::vector<PoolTalk*> exchange(std::vector<SharedPools::Look> looks);
  void ask(std::span<PoolTalk* const> talks, const std::vector<Redis::Command>& commands);
  bool note_errors(const std::vector<Redis::Command>& commands,
                   const std::vector<Redis::Reply>& replies);
  void note_trouble(const std::string& error);
  void note_well();

  SharedPools& pools_;
  ShareCounters& counters_;
  const RedisUrl url_;
  Redis redis_;
  const std::uint64_t life_;
  const std::string id_;
  std::map<std::string, PoolTalk> talks_;  // by the names of pools
  TimePoint now_{};
  TimePoint next_try_{};
  TimePoint troubled_{};      // when there was some last
  bool has_trouble_ = false;  // this round
  TroubleNews news_;
  Counter rounds_;
  mutable std::mutex mutex_;  // of those below
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::string trouble_ = "not connected yet";
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_SHARING_H_
