// PoolTalk: what is asked of Redis for one pool in each round, and what is made of the answers.
//
// All of a round is asked at once: of the balancers that were there the last time. Who is new is
// read in the next round.
//
// Keys, of pool POOL and balancer ID (16 hex digits, drawn at the start); the braces put all of a
// pool in one slot of a cluster:
//   PREFIX:1:{POOL}:who   set of ids; expires a minute after the last word of anybody
//   PREFIX:1:{POOL}:ID    the last report of one (core/sharing/report.h); expires after 5 s
//
// Reports are written in each round. They and the ids are read as often as makes kBytesPerSecond at
// most, but once a second at least. What is no id there is not asked for, and taken out.
#ifndef LEASTWISE_SPOE_AGENT_SHARE_POOL_TALK_H_
#define LEASTWISE_SPOE_AGENT_SHARE_POOL_TALK_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/clock.h"
#include "serve/counters.h"
#include "share/redis.h"
#include "sharing/exchange.h"

namespace leastwise::agent {

class PoolTalk {
 public:
  static constexpr float kBytesPerSecond = 30e3F;

  // `id`: this balancer. `life`: drawn anew at each start.
  PoolTalk(const std::string& prefix, const std::string& pool, std::string id, std::uint64_t life)
      : keys_(prefix + ":1:{" + pool + "}:"), id_(std::move(id)), exchange_(life) {}

  // On a new connection: a Redis that was started anew has nothing of those who were known, who
  // would be taken for gone.
  void begin() noexcept;
  // Adds the commands of this round to `out`; `own`: what is in flight here. To be called in each
  // round, also where nobody is there to be asked.
  void ask(std::vector<sharing::ServerReport> own, TimePoint now, std::vector<Redis::Command>& out);
  // How many they were.
  std::size_t asked() const noexcept { return asked_; }
  // Their replies, as many.
  void take(std::span<const Redis::Reply> replies, TimePoint now, ShareCounters& counters);
  // As Exchange has it.
  std::uint32_t others(TimePoint now, std::vector<sharing::ServerReport>& out) {
    return exchange_.others(now, out);
  }
  // The last word: else who starts again at once would hear what he had himself.
  Redis::Command leave() const { return {"SREM", key("who"), id_}; }

 private:
  std::string key(std::string_view last) const { return keys_ + std::string(last); }
  // How many bytes that was.
  std::size_t hear(std::span<const Redis::Reply> values, TimePoint now, ShareCounters& counters);
  std::size_t learn_ids(const redisReply& who, ShareCounters& counters);

  const std::string keys_;
  const std::string id_;
  sharing::Exchange exchange_;
  std::vector<std::string> ids_;   // of the others, as far as they are known
  std::vector<std::string> gone_;  // without a report, or no id
  TimePoint next_read_{};
  // Of this round.
  std::size_t asked_ = 0, farewells_ = 0;
  bool reads_ = false;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_POOL_TALK_H_
